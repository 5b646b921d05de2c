#!/usr/bin/env bash
# Runs the unit suites with a sanitizer: address (memory errors) or thread (data races).
#
#   Scripts/sanitize.sh address|thread [FILTER]
#
#   FILTER  a pattern for `swift test --filter`; all unit suites unless given
#
# Everything is built anew in .build/sanitize-address or .build/sanitize-thread, the packages too,
# which takes 10 minutes or more on two cores. Left out are ShardctlTests, CoordinatorTests and
# WorkerTests, whose programs and connections have deadlines that are too short for a sanitizer;
# AnalysisTests and PlannerTests, which time searches and take minutes; and TidyTests, which only
# read the sources. Leaks are not reported, since the Swift runtime never frees its metadata.
set -euo pipefail
# shellcheck source=Scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

sanitizer=${1:-}
case "$sanitizer" in
address | thread) ;;
-h | --help) usage && exit ;;
*) fail "no such sanitizer: '$sanitizer'; give address or thread" ;;
esac
suites='VectorCoreTests|VectorIndexTests|ShardFileTests|ObjectStoreTests|CatalogTests|IndexerTests|SearchTests|RecallTests'

export ASAN_OPTIONS=detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=${SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH:-$(nproc)}
swift test -c release --disable-testable-imports --sanitize="$sanitizer" \
    --scratch-path "$root/.build/sanitize-$sanitizer" --filter "${2:-$suites}"
