# shellcheck shell=bash disable=SC2034
# The packages that Tessera needs. Sourced by the other scripts.

# Every build: compressed sections and HTTP; Python for the sample's answers; binutils to check what
# a binary links.
apt_base=(libzstd-dev libcurl4-openssl-dev python3 python3-venv binutils git curl openssl)

# Builds with `--traits Faiss`.
apt_faiss=(libfaiss-dev libopenblas-dev libgomp1)

# The real S3 server of the tests (Scripts/s3-server.sh).
apt_s3=(radosgw ceph-mon ceph-osd curl openssl)

# The kernels of 64-bit ARM, cross-compiled and run under QEMU (Scripts/check-neon.sh).
apt_neon=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static)

# The browser that looks at the server's page (Scripts/check-page.py).
apt_page=(chromium)

# References of the tests: plain Faiss, NumPy, a JSON Schema validator, and mypy for the Python
# client's types.
pip_tests=(numpy faiss-cpu jsonschema mypy)

# The oldest Swift that builds the package.
swift_minimum=6.2
