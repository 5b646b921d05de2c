// Options several commands share, and how they become modules at work.
import ArgumentParser
import Catalog
import Foundation
import ObjectStore
import TesseraBase

/// Which object store.
struct StoreOptions: ParsableArguments {
    @Option(help: "The object store: file:///absolute/folder or s3://bucket/prefix.")
    var store: String

    @Option(
        help: "An S3 server's address, http://host:port; AWS unless given or in AWS_ENDPOINT_URL.")
    var s3Endpoint: String?

    @Option(help: "The S3 region; AWS_REGION unless given.")
    var s3Region: String?

    @Flag(
        inversion: .prefixedNo,
        help: "Whether S3 buckets are named in the path rather than the host.")
    var s3PathStyle: Bool?

    @Option(help: "A folder that keeps what an S3 store sent.")
    var cache: String?

    @Option(parsing: .unconditional, help: "Megabytes the cache may hold.")
    var cacheMegabytes = 4096

    func open() throws(TesseraError) -> OpenedStore {
        guard (1...1_000_000_000).contains(cacheMegabytes) else {
            throw TesseraError(
                .invalidArgument,
                "--cache-megabytes \(cacheMegabytes) is out of range; give 1 to 1000000000")
        }
        var settings = S3Settings()
        settings.endpoint = s3Endpoint
        settings.region = s3Region
        settings.usesPathStyle = s3PathStyle
        return try openStore(
            store, s3: settings,
            cache: cache.map {
                StoreStack.Cache(folder: $0, budgetBytes: UInt64(cacheMegabytes) * 1_000_000)
            })
    }
}

/// Where the index is.
struct IndexOptions: ParsableArguments {
    @OptionGroup var place: StoreOptions

    @Option(help: "The index: a-z, 0-9, '.', '_', '-'.")
    var index: String

    var store: String { place.store }

    /// The index as the store itself holds it.
    func catalog() throws(TesseraError) -> Catalog {
        try Catalog(store: try place.open().uncached, index: try IndexName(index))
    }

    /// The index for reading: objects may come from a cache, and what is sent for is counted.
    func reading() throws(TesseraError) -> (catalog: Catalog, meter: MeteredStore?) {
        let opened = try place.open()
        return (try Catalog(store: opened.store, index: try IndexName(index)), opened.meter)
    }
}

/// How the answer is written.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Answer in JSON, for machines.")
    var json = false

    @Flag(help: "No progress bar.")
    var quiet = false

    var progress: ProgressBar { ProgressBar(quiet: quiet || json) }

    /// Prints `value` as JSON where asked for, else the lines.
    func answer(_ value: some Encodable, _ lines: @autoclosure () -> [String])
        throws(TesseraError)
    {
        if json {
            try Terminal.say(try Terminal.json(value))
        } else {
            for line in lines() { try Terminal.say(line) }
        }
    }
}

/// How many threads compute.
struct ThreadOptions: ParsableArguments {
    @Option(
        parsing: .unconditional, help: "Threads that compute; one a usable core unless given.")
    var threads: Int?

    func pool() throws(TesseraError) -> WorkPool {
        try WorkPool(threads: threads)
    }
}
