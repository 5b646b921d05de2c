// Files that are part of the program: it serves them wherever it was copied to.
package import NIOCore

/// The document of the API and the page.
package enum EmbeddedFiles {
    package static let openapi = ByteBuffer(bytes: PackageResources.openapi_json)
    package static let page = ByteBuffer(bytes: PackageResources.index_html)
}
