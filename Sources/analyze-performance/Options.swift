// The options that name an index to measure.
import ArgumentParser
import Catalog
import ObjectStore
import Terminal
import TesseraBase

/// An index of a store.
struct IndexOptions: ParsableArguments {
    @Option(help: "The object store: file:///absolute/folder or s3://bucket/prefix.")
    var store: String
    @Option(help: "The index: a-z, 0-9, '.', '_', '-'.")
    var index: String
    @OptionGroup var s3: S3Options

    func open() throws(TesseraError) -> any ObjectStore { try s3.open(store).uncached }

    func catalog() throws(TesseraError) -> Catalog {
        try Catalog(store: try open(), index: try IndexName(index))
    }
}
