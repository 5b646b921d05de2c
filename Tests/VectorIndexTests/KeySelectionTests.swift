// Distances as integer keys, and picking the smallest of them.
import TestSupport
import Testing
import VectorCore
import VectorIndex

struct KeySelectionTests {
    @Test(
        "keys sort as distances do, and selection puts the smallest first",
        arguments: [1, 2, 9, 40, 257, 3000])
    func keys(count: Int) {
        let values = RandomVectors.uniform(rows: 1, columns: count, seed: 11).elements.map {
            $0 - 0.5
        }
        let made = values.enumerated().map { DistanceKey.make($1, $0) }
        #expect(zip(made, values).allSatisfy { DistanceKey.distance($0) == $1 })
        let sorted = made.sorted()
        #expect(sorted.map { values[DistanceKey.number($0)] } == values.sorted())
        for wanted in [1, count / 3, count - 1, count] where wanted > 0 {
            var keys = made
            KeySelection.select(&keys, count, wanted: wanted)
            #expect(keys[..<wanted].sorted() == Array(sorted[..<wanted]))
        }
        var keys = made
        KeySelection.sort(&keys, count)
        #expect(keys == sorted)
    }
}
