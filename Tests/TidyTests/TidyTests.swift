// The house rules that neither compiler nor formatter checks, over every file of the repository.
import Testing

struct TidyTests {
    let repository = Repository()

    @Test func `the repository is found`() throws {
        let paths = try repository.sources().map(\.path)
        #expect(paths.contains("Sources/TesseraBase/TesseraError.swift"))
        #expect(paths.contains("Tests/TidyTests/TidyTests.swift"))
        #expect(try repository.writtenFiles().count > paths.count)
    }

    @Test func `every target is in the import table`() throws {
        let known = ImportRules.cTargets.union(ImportRules.table.keys)
        #expect(try repository.targets().filter { !known.contains($0) } == [])
    }

    @Test func `imports follow the table`() throws {
        let complaints = try repository.sources().flatMap(ImportRules.complaints)
        #expect(complaints == [])
    }

    @Test func `the coordinator's service imports no HTTP`() throws {
        let complaints = try repository.sources().flatMap(ImportRules.serviceComplaints)
        #expect(complaints == [])
    }

    @Test func `every row of the import table is used`() throws {
        let complaints = try ImportRules.unusedRows(repository.swiftFiles())
        #expect(complaints == [])
    }

    @Test func `every dependency of a target is imported by it`() throws {
        let targets = Manifest.targets(try repository.text("Package.swift"))
        #expect(
            Set(targets.map(\.name)).isSuperset(
                of: try repository.targets().filter { $0 != "CZstd" && $0 != "CCurl" }))
        let complaints = try Manifest.unusedDependencies(targets, repository.swiftFiles())
        #expect(complaints == [])
    }

    @Test func `comments end at the last column`() throws {
        let manifest = TextFile(path: "Package.swift", text: try repository.text("Package.swift"))
        let complaints = try (repository.sources() + [manifest]).flatMap {
            WidthRules.complaints($0)
        }
        #expect(complaints == [])
    }

    @Test func `each C module is imported in one folder`() throws {
        let complaints = try ImportRules.cModuleComplaints(repository.sources())
        #expect(complaints == [])
    }

    @Test func `files and functions are short enough`() throws {
        let complaints = try repository.sources().flatMap(SizeRules.complaints)
        #expect(complaints == [])
    }

    @Test func `banned calls are not made`() throws {
        let files = try repository.sources()
        let complaints = BannedCall.all.flatMap { rule in files.flatMap(rule.complaints) }
        #expect(complaints == [])
    }

    @Test func `tests are named by sentences`() throws {
        let complaints = try repository.sources().flatMap(NameRules.complaints)
        #expect(complaints == [])
    }

    @Test func `files open with a comment`() throws {
        let complaints = try repository.sources().flatMap(FileRules.openingComplaints)
        #expect(complaints == [])
    }

    @Test func `raw pointers stay in their files`() throws {
        let complaints = try repository.sources().flatMap(FileRules.pointerComplaints)
        #expect(complaints == [])
    }

    @Test func `nothing names a folder of one machine`() throws {
        let complaints = try repository.writtenFiles().flatMap(FileRules.machinePathComplaints)
        #expect(complaints == [])
    }

    @Test func `ARCHITECTURE explains every target`() throws {
        let document = try repository.text("ARCHITECTURE.md")
        #expect(DocumentRules.missingTargets(try repository.targets(), in: document) == [])
    }

    @Test func `README lists every dependency in a table`() throws {
        let manifest = try repository.text("Package.swift")
        let dependencies = DocumentRules.dependencies(ofManifest: manifest)
        #expect(dependencies.count >= 6)
        let readme = try repository.text("README.md")
        #expect(DocumentRules.missingDependencies(dependencies, in: readme) == [])
    }
}
