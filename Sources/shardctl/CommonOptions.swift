// Options several commands share, and how they become modules at work.
import ArgumentParser
import Catalog
import Foundation
import ObjectStore
import TesseraBase

/// Which object store.
struct StoreOptions: ParsableArguments {
    @Option(help: "The object store, as file:///absolute/folder.")
    var store: String

    func open() throws(TesseraError) -> any ObjectStore {
        try openStore(store)
    }
}

/// Where the index is.
struct IndexOptions: ParsableArguments {
    @OptionGroup var place: StoreOptions

    @Option(help: "The index: a-z, 0-9, '.', '_', '-'.")
    var index: String

    var store: String { place.store }

    func catalog() throws(TesseraError) -> Catalog {
        try Catalog(store: try place.open(), index: try IndexName(index))
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
        parsing: .unconditional, help: "Threads that compute; the machine's cores unless given.")
    var threads: Int?

    func pool() throws(TesseraError) -> WorkPool {
        let width = threads ?? ProcessInfo.processInfo.activeProcessorCount
        guard (1...1024).contains(width) else {
            throw TesseraError(
                .invalidArgument, "--threads \(width) is out of range; give 1 to 1024")
        }
        return WorkPool(width: width)
    }
}
