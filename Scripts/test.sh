#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test.
#
#   Scripts/test.sh [--mock-only] [--fast]
#
#   --mock-only  leave out the Faiss build and its tests
#   --fast       the mock build's tests and the format only, without a real S3 server
#
# The mock build comes first, and Faiss's packages are installed after it: on a bare machine this
# shows that the mock needs none of them. A real S3 server runs on loopback meanwhile. Logs are kept
# in .build/logs. Exit status 1 if anything failed.
set -euo pipefail
# shellcheck source=Scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

with_faiss=true
fast=false
for option in "$@"; do
    case "$option" in
    --mock-only) with_faiss=false ;;
    --fast) fast=true ;;
    -h | --help) usage && exit ;;
    *) fail "no such option: $option; see Scripts/test.sh --help" ;;
    esac
done

logs=$root/.build/logs
mkdir -p "$logs"
export TESSERA_PYTHON=$venv/bin/python3 PATH=$venv/bin:$PATH
# As many tests at once as there are cores. Without a bound hundreds start together. Those that wait
# for a program hold the few threads that the others need, and a test of half a second takes
# minutes: long enough for curl to drop a connection that a test expects to be kept.
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=${SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH:-$(nproc)}
# Without testability, tests run the very code that is released, and `swift build` reuses it.
release=(-c release --disable-testable-imports)
failed=()
summary=()

# section NAME COMMAND...: runs the command with its output in a log, times it, and continues if it
# fails.
section() {
    local name=$1 started=$SECONDS status=0
    shift
    local log="$logs/${name// /-}.log"
    say "$name"
    # Not as a condition, which would switch off `set -e` inside.
    set +e
    (
        set -e
        "$@"
    ) >"$log" 2>&1 </dev/null
    status=$?
    set -e
    local line
    line=$(printf '%-28s %4d s' "$name" $((SECONDS - started)))
    if [ $status = 0 ]; then
        summary+=("ok      $line")
        grep -E 'Test run with|^found: ' "$log" || true
    else
        summary+=("FAILED  $line   ${log#"$root"/}")
        failed+=("$name")
        grep -E '(error|warning): |✘|Fatal error' "$log" | awk 'NR <= 60 && !seen[$0]++' || true
        grep -vE '✔|◇|^\[[0-9]+/' "$log" | tail -n 25
    fi
}

run_tests() {
    local log=$logs/runner.log
    swift test "${release[@]}" "$@" | tee "$log"
    # A run that found no tests passes too.
    grep -qE 'Test run with [1-9][0-9]* tests' "$log"
}

s3_server() { Scripts/s3-server.sh "$1" "$s3_folder"; }

# All sections after it use its variables. Without it the tests of S3 would be skipped, so it is a
# section that can fail.
start_s3() {
    s3_server start >"$logs/s3.variables"
    grep -q TESSERA_TEST_S3_ENDPOINT "$logs/s3.variables"
}

end_s3() {
    s3_server stop || true
    rm -rf "$s3_folder" "$logs/s3.variables"
}

ask_s3_doctor() {
    local program place race
    program=$(swift build -c release --show-bin-path)/shardctl
    place=s3://$TESSERA_TEST_S3_BUCKET/doctor
    "$program" doctor --store "$place" --quiet
    race=$("$TESSERA_PYTHON" Scripts/s3-race.py --shardctl "$program" --store "$place" --processes 16 --rounds 20) ||
        fail "$race"
    echo "found: $race"
}

linked_libraries() {
    readelf -d "$(swift build -c release --show-bin-path)/shardctl" | grep NEEDED
}

faiss_symbols() {
    nm -C "$(swift build -c release --show-bin-path)/shardctl" | grep 'faiss::'
}

# Three checks: the compile and link commands, the libraries loaded, and the symbols of a static
# libfaiss.
prove_mock_is_free_of_faiss() {
    local commands=.build/release.yaml traces='TESSERA_FAISS|-l(faiss|openblas|gomp)|libfaiss'
    [ -s "$commands" ] || fail "$commands is not there: nobody knows how the build was made"
    if grep -nE -e "$traces" "$commands"; then fail "the mock build has Faiss on its command lines"; fi
    if linked_libraries | grep -E 'faiss|blas|gomp'; then fail "the mock build loads Faiss's libraries"; fi
    if faiss_symbols; then fail "the mock build holds Faiss's code"; fi
    if [ -e /usr/include/faiss ]; then
        echo "found: no Faiss in the mock build, though its headers are installed"
    else
        echo "found: no Faiss in the mock build, nor on this machine"
    fi
}

# The counterpart: the same checks find Faiss in a build with it.
prove_faiss_is_linked() {
    grep -qe '-lfaiss' .build/release.yaml || fail "the Faiss build does not link libfaiss"
    linked_libraries | grep openblas || fail "the Faiss build does not load OpenBLAS"
    faiss_symbols >/dev/null || fail "the Faiss build holds none of Faiss's code"
    echo "found: libfaiss and OpenBLAS in the Faiss build"
}

check_format() {
    local folders=() folder
    for folder in Sources Tests Benchmarks; do
        [ ! -d "$folder" ] || folders+=("$folder")
    done
    swift format lint --strict --recursive "${folders[@]}" Package.swift
}

# These tests start the server of this build themselves, on the bundled sample.
client_tests() {
    TESSERA_SHARDCTL=$(swift build -c release --show-bin-path)/shardctl
    export TESSERA_SHARDCTL
    "$TESSERA_PYTHON" -m unittest discover --start-directory Clients/python/tests
}

client_types() { (cd Clients/python && "$TESSERA_PYTHON" -m mypy); }

check_page() { "$TESSERA_PYTHON" Scripts/check-page.py --shardctl "$(swift build -c release --show-bin-path)/shardctl"; }

check_scripts() {
    local script
    for script in Scripts/*.sh .ci/run; do bash -n "$script"; done
    if command -v shellcheck >/dev/null; then shellcheck -x Scripts/*.sh .ci/run; fi
}

Scripts/setup.sh base python
if ! $fast; then
    Scripts/setup.sh s3
    s3_folder=$(mktemp -d "${TMPDIR:-/tmp}/tessera-s3.XXXXXX")
    trap end_s3 EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    section "s3 server" start_s3
    # shellcheck disable=SC1091
    if [ -s "$logs/s3.variables" ]; then . "$logs/s3.variables"; fi
fi

section "mock tests" run_tests
section "format" check_format
if ! $fast; then
    section "scripts" check_scripts
    Scripts/setup.sh neon
    section "kernels" Scripts/check-neon.sh
    if [ -n "${TESSERA_TEST_S3_ENDPOINT:-}" ]; then section "s3 doctor" ask_s3_doctor; fi
    Scripts/setup.sh page
    section "client tests" client_tests
    section "client types" client_types
    section "page" check_page
    section "mock is free of Faiss" prove_mock_is_free_of_faiss
    section "mock quickstart" Scripts/quickstart.sh
    if [ -n "${TESSERA_TEST_S3_ENDPOINT:-}" ]; then
        section "s3 quickstart" Scripts/quickstart.sh --store "s3://$TESSERA_TEST_S3_BUCKET/quickstart"
    fi
    if [ -e Scripts/check-manifests.py ]; then
        section "manifest schemas" "$TESSERA_PYTHON" Scripts/check-manifests.py
    fi
    if $with_faiss; then
        Scripts/setup.sh faiss
        section "faiss tests" run_tests --traits Faiss
        section "faiss is linked" prove_faiss_is_linked
        section "faiss quickstart" Scripts/quickstart.sh --faiss
    fi
fi

say "results"
printf '%s\n' "${summary[@]}"
grep -HE 'Test run with' "$logs"/*-tests.log | sed "s#^$logs/##; s#-tests.log:# tests: #" || true
if [ ${#failed[@]} -gt 0 ]; then
    printf 'FAILED: %s\n' "${failed[*]}"
    exit 1
fi
echo "all passed in $SECONDS s"
