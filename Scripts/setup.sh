#!/usr/bin/env bash
# Installs missing packages only; running it again takes a moment.
#
#   Scripts/setup.sh [base] [faiss] [python] [s3] [neon] [page]      default: the first three
#
#   base    system packages of every build
#   faiss   system packages of a build with --traits Faiss
#   s3      the real S3 server of the tests, some 270 MB
#   neon    a cross compiler for 64-bit ARM and QEMU, to test its kernels
#   page    the browser of the page's check, some 350 MB
#   python  packages of the tests, in .venv: the system's Python stays as it is
#
# What belongs to each is in Scripts/packages.sh. Swift itself is not installed.
set -euo pipefail
# shellcheck source=Scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

require_swift() {
    command -v swift >/dev/null || fail "swift is not on the PATH; install Swift $swift_minimum or newer from https://www.swift.org/install"
    local found
    found=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9][0-9.]*\).*/\1/p' | head -n 1)
    printf '%s\n%s\n' "$swift_minimum" "$found" | sort -V -C ||
        fail "Swift $found is too old; $swift_minimum or newer is needed, from https://www.swift.org/install"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "root or sudo is needed to run: $*"
    fi
}

is_installed() {
    dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed
}

install_apt() {
    local missing=() package
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        say "not a Debian system: make sure that what these packages hold is installed: $*"
        return
    fi
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing ${missing[*]}"
    local options=(-y -q --no-install-recommends)
    # An image may have no package lists, or stale ones: fetch them only if needed.
    if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get install "${options[@]}" "${missing[@]}" </dev/null; then
        as_root apt-get update -q </dev/null
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install "${options[@]}" "${missing[@]}" </dev/null
    fi
}

install_python() {
    local stamp=$venv/.installed
    if [ "$(cat "$stamp" 2>/dev/null)" = "${pip_tests[*]}" ] && "$venv/bin/python3" -c '' 2>/dev/null; then
        return
    fi
    install_apt python3 python3-venv
    say "installing ${pip_tests[*]} in .venv"
    python3 -m venv --clear "$venv"
    "$venv/bin/python3" -m pip install -q --disable-pip-version-check "${pip_tests[@]}"
    printf '%s\n' "${pip_tests[*]}" >"$stamp"
}

case "${1:-}" in -h | --help) usage && exit ;; esac
[ $# -gt 0 ] || set -- base faiss python
for group in "$@"; do
    case "$group" in
    base)
        require_swift
        install_apt "${apt_base[@]}"
        ;;
    faiss) install_apt "${apt_faiss[@]}" ;;
    s3) install_apt "${apt_s3[@]}" ;;
    neon) install_apt "${apt_neon[@]}" ;;
    page) install_apt "${apt_page[@]}" ;;
    python) install_python ;;
    *) fail "no such group: $group; there are base, faiss, python, s3, neon and page" ;;
    esac
done
