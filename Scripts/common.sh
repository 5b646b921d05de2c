# shellcheck shell=bash disable=SC2034
# What the scripts share: the repository root as the working folder, messages, the Python of the tests.

# The script itself, before its folder is left.
script=$(cd "$(dirname "$0")" && pwd)/$(basename "$0")

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
root=$PWD
venv=$root/.venv
# shellcheck source=Scripts/packages.sh
. "$root/Scripts/packages.sh"

say() { printf '==> %s\n' "$*"; }

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Prints the comment at the top of the script, which is its manual.
usage() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p;}' "$script"; }
