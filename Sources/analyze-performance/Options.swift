// Options the commands share, and how they become modules at work.
import ArgumentParser
import Catalog
import Foundation
import ObjectStore
import TesseraBase

/// Which index of which store.
struct IndexOptions: ParsableArguments {
    @Option(help: "The object store: file:///absolute/folder or s3://bucket/prefix.")
    var store: String
    @Option(help: "The index: a-z, 0-9, '.', '_', '-'.")
    var index: String
    @OptionGroup var s3: S3Options

    func open() throws(TesseraError) -> any ObjectStore { try s3.open(store) }

    func catalog() throws(TesseraError) -> Catalog {
        try Catalog(store: try open(), index: try IndexName(index))
    }
}

/// Where an S3 server is, as `shardctl` has it.
struct S3Options: ParsableArguments {
    @Option(
        help: "An S3 server's address, http://host:port; AWS unless given or in AWS_ENDPOINT_URL.")
    var s3Endpoint: String?
    @Option(help: "The S3 region; AWS_REGION unless given.")
    var s3Region: String?
    @Flag(
        inversion: .prefixedNo,
        help: "Whether S3 buckets are named in the path rather than the host.")
    var s3PathStyle: Bool?

    func open(_ address: String) throws(TesseraError) -> any ObjectStore {
        var settings = S3Settings()
        settings.endpoint = s3Endpoint
        settings.region = s3Region
        settings.usesPathStyle = s3PathStyle
        return try openStore(address, s3: settings).uncached
    }
}

/// How the run computes and answers.
struct RunOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: "Threads that compute; one a usable core unless given.")
    var threads: Int?
    @Flag(help: "Answer in JSON, for machines.")
    var json = false
    @Flag(help: "No progress.")
    var quiet = false

    func pool() throws(TesseraError) -> WorkPool {
        try WorkPool(threads: threads)
    }

    var progress: ProgressHandler { Console.progress(quiet: quiet || json) }
}
