#!/usr/bin/env bash
# Compares the kernels of every instruction set with the scalar definition, bit by bit, with
# Tests/KernelHarness.
#
#   Scripts/check-neon.sh
#
# It begins with the kernels of this machine. Unless that is ARM itself, those of 64-bit ARM follow,
# cross-compiled and run under QEMU as a processor with byte dot products and as one without. All
# must print the same digest of the definition's results. QEMU does not show speed.
# `Scripts/setup.sh neon` installs what this needs.
set -euo pipefail
# shellcheck source=Scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

case "${1:-}" in -h | --help) usage && exit ;; esac
folder=$root/.build/kernel-harness
emulator=qemu-aarch64-static
# The compiler that SwiftPM uses: another one may fuse multiplications with additions against the
# sources.
compiler=$(dirname "$(readlink -f "$(command -v swift)")")/clang
[ -x "$compiler" ] || compiler=clang

# build NAME OPTION...
build() {
    local name=$1
    shift
    mkdir -p "$folder"
    "$compiler" "$@" -O2 -std=gnu17 -Wall -Wextra -Werror -I Sources/CVectorKernels -I Sources/CVectorKernels/include \
        Sources/CVectorKernels/*.c Tests/KernelHarness/*.c -o "$folder/$name" -lm
}

digests=()

# compare COMMAND...: fails if anything differs.
compare() {
    local output status=0
    output=$("$@") || status=$?
    printf '%s\n' "$output"
    [ $status = 0 ] || fail "kernels differ from the scalar definition: $*"
    digests+=("$(sed -n 's/^digest of the definition: //p' <<<"$output")")
}

# The environment variable selects a smaller set.
check_forced() {
    local found
    found=$("$emulator" -cpu max -E TESSERA_ISA="$1" "$folder/aarch64" --in-use)
    [ "$found" = "$1" ] || fail "TESSERA_ISA=$1 was asked for and $found is in use"
}

build native
compare "$folder/native"
if [ "$(uname -m)" != aarch64 ]; then
    command -v "$emulator" >/dev/null || fail "$emulator is not there; install it with: Scripts/setup.sh neon"
    [ -d /usr/aarch64-linux-gnu/include ] || fail "the C library of 64-bit ARM is not there; install it with: Scripts/setup.sh neon"
    build aarch64 --target=aarch64-linux-gnu -isystem /usr/aarch64-linux-gnu/include -static
    compare "$emulator" -cpu max "$folder/aarch64" dotprod neon scalar
    compare "$emulator" -cpu cortex-a72 "$folder/aarch64" neon scalar
    check_forced neon
    check_forced scalar
fi
for digest in "${digests[@]}"; do
    [ "$digest" = "${digests[0]}" ] || fail "the scalar definition gave different bits on different processors: ${digests[*]}"
done
echo "found: ${#digests[@]} processors, no difference to the scalar definition"
