// Distances as integer sort keys.
import TestSupport
import Testing
import VectorCore
import VectorIndex

struct DistanceKeyTests {
    @Test(arguments: [1, 2, 9, 40, 257, 3000])
    func `keys sort as distances do`(count: Int) {
        let values = RandomVectors.uniform(rows: 1, columns: count, seed: 11).elements.map {
            $0 - 0.5
        }
        let made = values.enumerated().map { DistanceKey.make($1, $0) }
        #expect(zip(made, values).allSatisfy { DistanceKey.distance($0) == $1 })
        let sorted = made.sorted()
        #expect(sorted.map { values[DistanceKey.number($0)] } == values.sorted())
    }
}
