#!/bin/bash
# Generates Sources/SearchProtocol/Generated from the .proto files beside it. Needed only when these
# change: the result is committed. Needs protoc (Debian: protobuf-compiler) on the path; the two
# plugins are built from the package's own dependencies, so that they fit the libraries.
set -euo pipefail
cd "$(dirname "$0")/.."

source=Sources/SearchProtocol
for plugin in protoc-gen-swift protoc-gen-grpc-swift-2; do
    swift build -c release --product "$plugin"
done
tools=$(swift build -c release --show-bin-path)

rm -rf "$source/Generated"
mkdir "$source/Generated"
protoc --proto_path "$source" \
    --plugin="protoc-gen-swift=$tools/protoc-gen-swift" \
    --plugin="protoc-gen-grpc-swift=$tools/protoc-gen-grpc-swift-2" \
    --swift_out="$source/Generated" --swift_opt=Visibility=Package \
    --swift_opt=UseAccessLevelOnImports=true \
    --grpc-swift-2_out="$source/Generated" --grpc-swift-2_opt=Visibility=Package \
    --grpc-swift-2_opt=UseAccessLevelOnImports=true \
    "$source"/*.proto
