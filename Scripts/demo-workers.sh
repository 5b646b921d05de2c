#!/usr/bin/env bash
# Many workers on one machine: builds an index of the sample, starts four workers and a coordinator
# over them, searches, kills one worker, searches again, and stops everything. Needs a built
# shardctl (`swift build -c release`) and curl.
#
#   Scripts/demo-workers.sh [FOLDER]     works in FOLDER, or in a temporary one that it deletes
set -euo pipefail
cd "$(dirname "$0")/.."

shardctl=${SHARDCTL:-.build/release/shardctl}
sample=Samples/wordnet
query=${QUERY_ID:-$(head -n 1 "$sample/ids.txt")}
say() { printf '==> %s\n' "$*"; }

folder=${1:-}
[ -n "$folder" ] || { folder=$(mktemp -d); scratch=$folder; }
mkdir -p "$folder"
store="file://$(cd "$folder" && pwd)/store"

pids=()
finish() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    [ -z "${scratch:-}" ] || rm -rf "$scratch"
}
trap finish EXIT

# Waits for the line that a server prints, "… host:port", and prints host:port.
address() {
    for _ in $(seq 300); do
        if [ -s "$1" ]; then
            head -n 1 "$1" | sed 's/.*[ /]//'
            return
        fi
        sleep 0.1
    done
    echo "error: nothing listens; see ${1%.out}.log" >&2
    return 1
}

say "an index of the sample, in shards small enough for four workers"
"$shardctl" train --store "$store" --index wordnet --vectors "$sample/base.i8bin" \
    --ids "$sample/ids.txt" --metric cosine --shard-size 1500 --quiet
"$shardctl" publish --store "$store" --index wordnet --quiet

say "four workers"
workers=()
for number in 1 2 3 4; do
    "$shardctl" worker --store "$store" --listen 127.0.0.1:0 --memory-megabytes 256 \
        >"$folder/worker$number.out" 2>"$folder/worker$number.log" &
    pids+=($!)
    workers+=("$(address "$folder/worker$number.out")")
done
list=$(IFS=,; echo "${workers[*]}")
echo "$list"

say "a coordinator; every shard is held by two workers"
"$shardctl" serve --store "$store" --workers "$list" --replication 2 --port 0 \
    >"$folder/serve.out" 2>"$folder/serve.log" &
pids+=($!)
server=$(address "$folder/serve.out")
for _ in $(seq 300); do
    curl --silent --fail --output /dev/null "http://$server/ready" && break
    sleep 0.1
done

ask() {
    curl --silent --show-error --fail "http://$server/v1/indexes/wordnet/search" \
        --data "{\"id\":\"$query\",\"k\":5}" | sed 's/,"took_ms.*/}/'
    echo
}

say "what is near '$query'"
before=$(ask)
echo "$before"

say "worker ${workers[1]} is killed"
kill -9 "${pids[1]}"
after=$(ask)
echo "$after"

[ "$before" = "$after" ] || { echo "error: the answers differ" >&2; exit 1; }
say "the same answer: its shards were searched by the workers that hold them too"
