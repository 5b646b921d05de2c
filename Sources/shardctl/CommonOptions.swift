// The options that name a store and an index.
import ArgumentParser
import Catalog
import ObjectStore
import Terminal
import TesseraBase

/// An object store, and the disk cache in front of it.
struct StoreOptions: ParsableArguments {
    @Option(help: "The object store: file:///absolute/folder or s3://bucket/prefix.")
    var store: String

    @OptionGroup var s3: S3Options

    @Option(help: "A folder that caches reads from an S3 store.")
    var cache: String?

    @Option(parsing: .unconditional, help: "Megabytes the cache may hold.")
    var cacheMegabytes = 4096

    func open() throws(TesseraError) -> OpenedStore {
        guard (1...1_000_000_000).contains(cacheMegabytes) else {
            throw TesseraError(
                .invalidArgument,
                "--cache-megabytes \(cacheMegabytes) is out of range; give 1 to 1000000000")
        }
        return try s3.open(
            store,
            cache: cache.map {
                StoreStack.Cache(folder: $0, budgetBytes: UInt64(cacheMegabytes) * 1_000_000)
            })
    }
}

/// An index of a store.
struct IndexOptions: ParsableArguments {
    @OptionGroup var place: StoreOptions

    @Option(help: "The index: a-z, 0-9, '.', '_', '-'.")
    var index: String

    var store: String { place.store }

    /// The index in the store itself, without the cache.
    func catalog() throws(TesseraError) -> Catalog {
        try Catalog(store: try place.open().uncached, index: try IndexName(index))
    }

    /// The index for reading through the cache, with a meter that counts the requests to the store.
    func reading() throws(TesseraError) -> (catalog: Catalog, meter: MeteredStore?) {
        let opened = try place.open()
        return (try Catalog(store: opened.store, index: try IndexName(index)), opened.meter)
    }
}
