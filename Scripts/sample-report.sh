#!/usr/bin/env bash
# Writes docs/sample-report.json and docs/sample-report.html: trains, publishes and measures the
# bundled sample.
#
#   Scripts/sample-report.sh [FOLDER]
#
#   FOLDER  where the report goes; docs unless given
set -euo pipefail
# shellcheck source=Scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

case "${1:-}" in
-h | --help) usage && exit ;;
-*) fail "no such option: $1; see Scripts/sample-report.sh --help" ;;
esac
target=${1:-docs}
programs=$(swift build -c release --show-bin-path)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
sample=Samples/wordnet
index=(--store "file://$folder/store" --index wordnet)

"$programs/shardctl" train "${index[@]}" --vectors $sample/base.i8bin --ids $sample/ids.txt --metric cosine \
    --shard-size 1000 --quiet
"$programs/shardctl" publish "${index[@]}" --min-recall 0.9 --quiet
"$programs/analyze-performance" "${index[@]}" --vectors $sample/base.i8bin --ids $sample/ids.txt --no-truth-cache \
    --json --html "$target/sample-report.html" >"$target/sample-report.json"
# The path of the store is of no interest.
sed -i "s#$folder#/data#g" "$target/sample-report.json" "$target/sample-report.html"
