#!/usr/bin/env bash
# A real S3 server for tests and experiments: Ceph's RADOS gateway on one monitor and one disk daemon,
# on loopback, deleted when stopped. `Scripts/setup.sh s3` installs it.
#
#   eval "$(Scripts/s3-server.sh start [DIR] [PORT])"    starts it, makes a bucket, sets variables
#   Scripts/s3-server.sh status [DIR]                    shows what runs, prints the variables
#   Scripts/s3-server.sh stop   [DIR]                    ends what was started from DIR
#   Scripts/s3-server.sh crash  [DIR]                    kills all of it, as a power failure does
#   Scripts/s3-server.sh resume [DIR]                    restarts it on its files (needs bluestore)
#
# DIR is ${TMPDIR:-/tmp}/tessera-s3 unless given, PORT a free one. S3_DISK=bluestore keeps objects in
# files of DIR; the default, memstore, keeps them in memory.
set -euo pipefail

say() { printf '==> %s\n' "$*" >&2; }
fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}
usage() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p;}' "$0"; }

daemons=(gateway disk monitor)
command=${1:-}
folder=${2:-${TMPDIR:-/tmp}/tessera-s3}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
config=$folder/ceph.conf
variables=$folder/variables.sh
log=$folder/prepare.log
disk=${S3_DISK:-memstore}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# The recorded process, if it is still one of ours: its number may have been reused.
process_of() {
    local pid
    pid=$(cat "$folder/$1.pid" 2>/dev/null) || return 1
    tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "$config" || return 1
    echo "$pid"
}

end_daemon() {
    local pid
    if pid=$(process_of "$1"); then
        kill "-$2" "$pid" 2>/dev/null || true
        for _ in $(seq 100); do
            # Not `kill -0`, which succeeds for an ended process that was not waited for.
            process_of "$1" >/dev/null || break
            sleep 0.1
        done
        kill -9 "$pid" 2>/dev/null || true
    fi
    rm -f "$folder/$1.pid"
}

end_all() {
    local name
    for name in "${daemons[@]}"; do end_daemon "$name" "$1"; done
}

# Runs in a session of its own, so that it outlives the caller's terminal.
launch() {
    local name=$1
    shift
    setsid "$@" >"$folder/$name.log" 2>&1 </dev/null &
    echo $! >"$folder/$name.pid"
}

ceph_command() { ceph -c "$config" --name client.admin --connect-timeout 20 "$@"; }

wait_for() {
    local name=$1 what=$2
    shift 2
    for _ in $(seq 200); do
        "$@" >/dev/null 2>&1 && return
        process_of "$name" >/dev/null || break
        sleep 0.1
    done
    fail "the $what does not come up; see $folder/$name.log and $log"
}

disk_is_up() { ceph_command osd stat 2>/dev/null | grep -q '1 up'; }
gateway_answers() { curl -s -o /dev/null -m 5 "$1"; }
bucket_is_made() {
    curl -s -f -o /dev/null -m 10 -X PUT --aws-sigv4 aws:amz:us-east-1:s3 -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' \
        -u "$TESSERA_TEST_S3_ACCESS_KEY:$TESSERA_TEST_S3_SECRET_KEY" "$TESSERA_TEST_S3_ENDPOINT/$TESSERA_TEST_S3_BUCKET"
}

write_config() {
    local gateway_port=$1 monitor_port=$2
    cat >"$config" <<CONFIG
[global]
fsid = $(cat /proc/sys/kernel/random/uuid)
mon host = [v2:127.0.0.1:$monitor_port]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
ms bind msgr1 = false
ms mon client mode = crc
ms cluster mode = crc
ms service mode = crc
ms client mode = crc
ms bind port min = 26800
ms bind port max = 28800
auth cluster required = none
auth service required = none
auth client required = none
run dir = $folder
admin socket = $folder/\$name.asok
crash dir = $folder
log file = $folder/\$name.ceph.log
log to stderr = false
pid file =
debug rgw = 0/0
debug osd = 0/0
debug ms = 0/0
debug mon = 0/0
debug paxos = 0/0
debug bluestore = 0/0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail crit = 1
mon data avail warn = 2
[mon]
mon data = $folder/monitor
mon cluster log file = $folder/cluster.ceph.log
mon osd initial require min compat client = luminous
paxos propose interval = 0.05
paxos min wait = 0.01
[osd]
osd data = $folder/disk
osd objectstore = $disk
memstore device bytes = 4294967296
memstore page set = false
bluestore block size = 10737418240
bluestore cache autotune = false
bluestore cache size = 268435456
osd memory target = 1073741824
osd crush update on start = false
osd op num shards = 2
osd op num threads per shard = 2
[client.rgw]
rgw data = $folder/gateway
rgw frontends = beast endpoint=127.0.0.1:$gateway_port tcp_nodelay=1
rgw thread pool size = 64
rgw enable usage log = false
rgw enable ops log = false
rgw override bucket index max shards = 1
rgw dynamic resharding = false
rgw lc max objs = 4
rgw gc max objs = 4
rgw num control oids = 1
rgw usage max shards = 1
rgw enable apis = s3, admin
rgw rados pool pg num min = 8
CONFIG
}

write_variables() {
    local access secret
    access=$(openssl rand -hex 10)
    secret=$(openssl rand -hex 20)
    cat >"$variables" <<VARIABLES
export TESSERA_TEST_S3_ENDPOINT=http://127.0.0.1:$1
export TESSERA_TEST_S3_ACCESS_KEY=$access
export TESSERA_TEST_S3_SECRET_KEY=$secret
export TESSERA_TEST_S3_BUCKET=tessera
export AWS_ENDPOINT_URL_S3=http://127.0.0.1:$1
export AWS_ACCESS_KEY_ID=$access
export AWS_SECRET_ACCESS_KEY=$secret
export AWS_REGION=us-east-1
VARIABLES
    # shellcheck disable=SC1090
    . "$variables"
}

launch_monitor() {
    launch monitor ceph-mon -f -c "$config" -i a
    wait_for monitor monitor ceph_command mon stat
}

launch_disk() {
    launch disk ceph-osd -f -c "$config" -i 0
    wait_for disk 'disk daemon' disk_is_up
}

launch_gateway() {
    launch gateway radosgw -f -c "$config" --name client.rgw
    wait_for gateway gateway gateway_answers "$TESSERA_TEST_S3_ENDPOINT/"
}

make_cluster() {
    local monitor_port=$1 identity
    identity=$(sed -n 's/^fsid = //p' "$config")
    monmaptool --create --fsid "$identity" --addv a "[v2:127.0.0.1:$monitor_port]" \
        --set-min-mon-release pacific "$folder/monmap"
    ceph-mon -c "$config" --mkfs -i a --monmap "$folder/monmap"
    launch_monitor
    identity=$(cat /proc/sys/kernel/random/uuid)
    ceph_command osd new "$identity"
    ceph-osd -c "$config" -i 0 --mkfs --osd-uuid "$identity"
    ceph_command osd crush add osd.0 1.0 root=default host=localhost
    launch_disk
}

start() {
    local name port=${1:-$(free_port)} monitor_port
    for name in radosgw ceph-mon ceph-osd ceph radosgw-admin curl openssl; do
        command -v "$name" >/dev/null || fail "$name is not installed; run Scripts/setup.sh s3"
    done
    end_all TERM
    if [ -n "$(ls -A "$folder")" ] && [ ! -f "$config" ]; then
        fail "$folder holds something else; give an empty folder"
    fi
    rm -rf "${folder:?}"/*
    mkdir -p "$folder/monitor" "$folder/disk"
    monitor_port=$(free_port)
    write_config "$port" "$monitor_port"
    write_variables "$port"
    say "starting a Ceph gateway at $TESSERA_TEST_S3_ENDPOINT, its files in $folder"
    make_cluster "$monitor_port" >"$log" 2>&1
    launch_gateway
    radosgw-admin -c "$config" --name client.rgw user create --uid=tessera --display-name=tessera \
        --access-key="$TESSERA_TEST_S3_ACCESS_KEY" --secret-key="$TESSERA_TEST_S3_SECRET_KEY" >>"$log" 2>&1
    wait_for gateway bucket bucket_is_made
    cat "$variables"
}

resume() {
    [ -f "$variables" ] || fail "nothing was started in $folder"
    # shellcheck disable=SC1090
    . "$variables"
    end_all TERM
    launch_monitor
    # Forget the state from before the crash.
    ceph_command osd down 0 >>"$log" 2>&1 || true
    launch_disk
    launch_gateway
    wait_for gateway bucket bucket_is_made
    cat "$variables"
}

status() {
    local name up=0
    for name in "${daemons[@]}"; do
        if process_of "$name" >/dev/null; then
            up=$((up + 1))
            say "$name is up"
        else
            say "$name is down"
        fi
    done
    [ "$up" = 3 ] && cat "$variables"
}

case "$command" in
start) start "${3:-}" ;;
resume) resume ;;
stop) end_all TERM ;;
crash) end_all KILL ;;
status) status ;;
*) usage && exit 2 ;;
esac
