// Replaced by the first file of the coordinator.
import Hummingbird
