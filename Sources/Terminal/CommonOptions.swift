// Options that commands of both programs share.
import ArgumentParser
package import ObjectStore
package import TesseraBase

/// The address of an S3 server and how it is spoken to.
package struct S3Options: ParsableArguments {
    @Option(
        help: "An S3 server's address, http://host:port; AWS unless given or in AWS_ENDPOINT_URL.")
    var s3Endpoint: String?

    @Option(help: "The S3 region; AWS_REGION unless given.")
    var s3Region: String?

    @Flag(
        inversion: .prefixedNo,
        help: "Whether S3 buckets are named in the path rather than the host.")
    var s3PathStyle: Bool?

    package init() {}

    /// Opens the store at `address`, through a disk cache if one is given.
    package func open(
        _ address: String, cache: StoreStack.Cache? = nil
    ) throws(TesseraError) -> OpenedStore {
        var settings = S3Settings()
        settings.endpoint = s3Endpoint
        settings.region = s3Region
        settings.usesPathStyle = s3PathStyle
        return try openStore(address, s3: settings, cache: cache)
    }
}

/// The form of the answer, and whether progress is shown.
package struct OutputOptions: ParsableArguments {
    @Flag(help: "Answer in JSON, for machines.")
    package var json = false

    @Flag(help: "No progress bar.")
    package var quiet = false

    package init() {}

    /// A progress bar that keeps silent if the answer is JSON.
    package var progress: ProgressBar { ProgressBar(quiet: quiet || json) }

    /// Prints `value` as JSON if that was asked for, else the lines.
    package func answer(_ value: some Encodable, _ lines: @autoclosure () -> [String])
        throws(TesseraError)
    {
        if json {
            try Terminal.say(try Terminal.json(value))
        } else {
            for line in lines() { try Terminal.say(line) }
        }
    }
}

/// The number of threads that compute.
package struct ThreadOptions: ParsableArguments {
    @Option(
        parsing: .unconditional, help: "Threads that compute; one a usable core unless given.")
    var threads: Int?

    package init() {}

    /// Throws `invalidArgument` if the number is out of range.
    package func pool() throws(TesseraError) -> WorkPool {
        try WorkPool(threads: threads)
    }
}
