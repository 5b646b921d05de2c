// The options that name what is measured: a version in a store, or a running coordinator.
import Analysis
import ArgumentParser
import Catalog
import ObjectStore
import Terminal
import TesseraBase

/// The index, and where it is.
struct SubjectOptions: ParsableArguments {
    @Option(
        help:
            "The object store: file:///absolute/folder or s3://bucket/prefix. With --url, that of the coordinator."
    )
    var store: String?
    @Option(
        help: "A running coordinator to measure over HTTP: http://host:port or https://host:port.")
    var url: String?
    @Option(help: "The index: a-z, 0-9, '.', '_', '-'.")
    var index: String
    @Option(help: "A file with the coordinator's key, that only its owner can read.")
    var keyFile: String?
    @Option(help: "Certificates to trust for https, PEM; the system's unless given.")
    var caFile: String?
    @OptionGroup var s3: S3Options

    /// The store, if no coordinator is measured.
    func required() throws(TesseraError) -> String {
        guard let store else {
            throw TesseraError(
                .invalidArgument,
                "there is nothing to measure: give --store for a version in a store, or --url for a running coordinator"
            )
        }
        guard keyFile == nil, caFile == nil else {
            throw TesseraError(
                .invalidArgument, "--key-file and --ca-file are for a coordinator; give --url too")
        }
        return store
    }

    func open() throws(TesseraError) -> any ObjectStore { try s3.open(try required()).uncached }

    /// The store that a coordinator serves, if it is given.
    func catalog() throws(TesseraError) -> Catalog? {
        guard let store else { return nil }
        return try Catalog(store: try s3.open(store).uncached, index: try IndexName(index))
    }

    func client(_ url: String, connections: Int) throws(TesseraError) -> CoordinatorClient {
        var key: String?
        if let keyFile { key = try CoordinatorClient.key(path: keyFile) }
        return try CoordinatorClient(
            url: url, index: try IndexName(index).text, key: key, caFile: caFile,
            connections: connections)
    }
}
