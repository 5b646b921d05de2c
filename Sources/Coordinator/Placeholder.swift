import GRPCNIOTransportHTTP2Posix
// Replaced by the first file of the coordinator.
import Histogram
import Hummingbird
import HummingbirdTLS
