// Distances as integer keys, and picking the smallest of them: what is left to do when kernels have done the rest.

/// A distance and a number in one integer that sorts by distance, then by number.
package enum DistanceKey {
    @inline(__always) package static func make(_ distance: Float, _ number: Int)
        -> UInt64
    {
        let bits = distance.bitPattern
        // Negative floats sort backwards by their bits.
        let ordered = bits ^ (UInt32(bitPattern: Int32(bitPattern: bits) >> 31) | 0x8000_0000)
        return UInt64(ordered) << 32 | UInt64(UInt32(truncatingIfNeeded: number))
    }

    @inline(__always) package static func distance(_ key: UInt64) -> Float {
        let ordered = UInt32(truncatingIfNeeded: key >> 32)
        let mask = ~UInt32(bitPattern: Int32(bitPattern: ordered) >> 31) | 0x8000_0000
        return Float(bitPattern: ordered ^ mask)
    }

    @inline(__always) package static func number(_ key: UInt64) -> Int {
        Int(UInt32(truncatingIfNeeded: key))
    }
}

/// Partial and whole sorting of keys in place.
package enum KeySelection {
    /// Moves the `wanted` smallest keys to the front, in no order.
    ///
    /// Hoare's selection with the median of three as pivot.
    package static func select(
        _ keys: UnsafeMutablePointer<UInt64>, _ count: Int, wanted: Int
    ) {
        guard wanted > 0, wanted < count else { return }
        // A few too many: taking the largest out one by one has no branch to mispredict.
        guard count - wanted > 6 else { return dropLargest(keys, count, wanted: wanted) }
        var low = 0
        var high = count - 1
        while high - low > 8, low < wanted, wanted <= high {
            let middle = split(keys, low, high)
            if middle >= wanted { high = middle } else { low = middle + 1 }
        }
        if low < wanted, wanted <= high { insertionSort(keys, low, high) }
    }

    package static func dropLargest(
        _ keys: UnsafeMutablePointer<UInt64>, _ count: Int, wanted: Int
    ) {
        var count = count
        while count > wanted {
            var place = 0
            for index in 1..<count { place = keys[index] > keys[place] ? index : place }
            count -= 1
            (keys[place], keys[count]) = (keys[count], keys[place])
        }
    }

    /// Sorts keys upwards.
    package static func sort(_ keys: UnsafeMutablePointer<UInt64>, _ count: Int) {
        sort(keys, 0, count - 1)
    }

    package static func sort(
        _ keys: UnsafeMutablePointer<UInt64>, _ first: Int, _ last: Int
    ) {
        var low = first
        var high = last
        while high - low > 24 {
            let middle = split(keys, low, high)
            // The smaller part by recursion: the depth stays logarithmic.
            if middle - low < high - middle {
                sort(keys, low, middle)
                low = middle + 1
            } else {
                sort(keys, middle + 1, high)
                high = middle
            }
        }
        insertionSort(keys, low, high)
    }

    /// Splits `low...high` so that nothing up to the result is larger than anything after it.
    package static func split(
        _ keys: UnsafeMutablePointer<UInt64>, _ low: Int, _ high: Int
    ) -> Int {
        let (a, b, c) = (keys[low], keys[(low &+ high) / 2], keys[high])
        let pivot = max(min(a, b), min(max(a, b), c))
        var left = low &- 1
        var right = high &+ 1
        while true {
            repeat { left &+= 1 } while keys[left] < pivot
            repeat { right &-= 1 } while keys[right] > pivot
            if left >= right { return right }
            (keys[left], keys[right]) = (keys[right], keys[left])
        }
    }

    package static func insertionSort(
        _ keys: UnsafeMutablePointer<UInt64>, _ low: Int, _ high: Int
    ) {
        guard low < high else { return }
        for index in low + 1...high {
            let key = keys[index]
            var place = index
            while place > low, keys[place &- 1] > key {
                keys[place] = keys[place &- 1]
                place &-= 1
            }
            keys[place] = key
        }
    }
}
