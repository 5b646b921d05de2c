#!/usr/bin/env bash
# From a bare checkout to answers: installs what is missing, builds, and runs all steps on a real
# sample in a temporary folder: train, publish, query, verify, a bad version, and rollback.
#
#   Scripts/quickstart.sh [--faiss] [--keep] [--store ADDRESS]
#
#   --faiss  build with Faiss and train with it
#   --keep   leave the store behind, to look at
#   --store  an empty store instead of a temporary folder: s3://bucket/prefix, with AWS variables
#
# Exit status 1 if a step fails or the answers are not good.
set -euo pipefail
# shellcheck source=Scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

groups=(base)
traits=()
keep=false
store=
while [ $# -gt 0 ]; do
    case "$1" in
    --faiss)
        groups+=(faiss)
        traits=(--traits Faiss)
        ;;
    --keep) keep=true ;;
    --store)
        [ $# -gt 1 ] || fail "--store wants an address"
        store=$2
        shift
        ;;
    -h | --help) usage && exit ;;
    *) fail "no such option: $1; see Scripts/quickstart.sh --help" ;;
    esac
    shift
done

Scripts/setup.sh "${groups[@]}"

say "building shardctl (some minutes the first time)"
mkdir -p .build
build_log=.build/quickstart-build.log
if ! swift build -c release --product shardctl ${traits[@]+"${traits[@]}"} >"$build_log" 2>&1; then
    tail -n 40 "$build_log" >&2
    fail "the build failed; all of it is in $build_log"
fi
shardctl=$(swift build -c release --show-bin-path)/shardctl

folder=$(mktemp -d)
if $keep; then
    say "everything is kept in $folder"
else
    trap 'rm -rf "$folder"' EXIT
fi
sample=Samples/wordnet
export PYTHONUTF8=1
index=(--store "${store:-file://$folder/store}" --index wordnet)

# Shows a command the way a person would type it, then runs it.
run() {
    local shown="shardctl $*"
    printf '\n$ %s\n' "${shown//"$folder"/\$DIR}"
    "$shardctl" "$@"
}

query() { run query "${index[@]}" --vectors $sample/queries.i8bin -k 10 --output "$folder/$1"; }

answers() { python3 Scripts/show-answers.py $sample "$folder/$1" "${@:2}"; }

say "9,980 dictionary definitions as vectors; 20 others are the queries"
run train "${index[@]}" --vectors $sample/base.i8bin --ids $sample/ids.txt --metric cosine
run publish "${index[@]}"
run inspect "${index[@]}"
query first.jsonl
answers first.jsonl --show 3 --recall-at-least 0.9
run verify "${index[@]}"

say "a mistake: the ids arrive in another order, and every answer gets the wrong name"
sort -r $sample/ids.txt >"$folder/wrong-ids.txt"
run train "${index[@]}" --vectors $sample/base.i8bin --ids "$folder/wrong-ids.txt" --metric cosine
run publish "${index[@]}"
query wrong.jsonl
answers wrong.jsonl --show 1 --recall-at-most 0.1

say "and back: a new version with the old content"
run rollback "${index[@]}" --to 1
query again.jsonl
cmp "$folder/first.jsonl" "$folder/again.jsonl" || fail "the answers after the rollback are not those of version 1"
answers again.jsonl --recall-at-least 0.9
run list "${index[@]}"
run gc "${index[@]}"

echo
say "done: after the rollback every answer is, byte for byte, the one that version 1 gave"
