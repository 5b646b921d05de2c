// Files that are embedded in the program, so that it serves them wherever it is copied to.
package import NIOCore

/// The API's document and the page.
package enum EmbeddedFiles {
    package static let openapi = ByteBuffer(bytes: PackageResources.openapi_json)
    package static let page = ByteBuffer(bytes: Page.document)
}
