# shellcheck shell=bash disable=SC2034
# Shared by the scripts: the repository root as the working folder, messages, the tests' Python.

# The path of the script, before the working folder changes.
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
