#!/usr/bin/env bash
# What may not grow with the log: the cost of an append, the node's memory, and the time to open a
# log after kill -9.
#
#     bench/size.sh append                 lone append and rate, from an empty log to 10 M events
#     bench/size.sh open [gigabytes, 10]   memory, and start-up after kill -9, as a log grows
#
# Prints tables for documents. Data go below SKALD_BENCH_DIR, as with bench/run.sh.
set -euo pipefail
data=${SKALD_BENCH_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/skald-bench}/skald
mkdir -p "$data"
work=$(mktemp -d "$data/size.XXXXXX")
node=
cleanup() {
    [ -z "$node" ] || kill -9 "$node" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

value() { awk -v metric="$1" '$2 == metric { print $4 }'; }
stored() { skald --json info "$work/log" | sed 's/.*"records":\([0-9]*\).*/\1/'; }
load() { skald -q bench pub --data "$work/log" --streams 1000 --seconds "$@"; }

append_cost() {
    echo "| events before | lone append p50, us | rate, 1,024 unanswered, events/s |"
    echo "|---|---|---|"
    # Seconds, unanswered and events an append: what brings the log to about ten times its size.
    for fill in '' '1 1 1' '1 1 16' '1 16 64' '5 16 64'; do
        # shellcheck disable=SC2086 # three words, or none
        set -- $fill
        [ $# -eq 0 ] || load "$1" --in-flight "$2" --per-message "$3" > /dev/null
        [ -e "$work/log" ] && before=$(stored) || before=0
        lone=$(load 1 --in-flight 1 | value ack_1x1_p50)
        cp -r --sparse=always "$work/log" "$work/copy"
        rate=$(skald -q bench pub --data "$work/copy" --streams 1000 --seconds 1 --in-flight 1024 |
            value publish_1x1024)
        rm -rf "$work/copy"
        echo "| $before | $lone | $rate |"
    done
}

start_node() {
    mkfifo "$work/ready"
    skald serve --data "$work/log" --listen "ipc://$work/n" --http 127.0.0.1:0 > "$work/ready" &
    node=$!
    read -r _ < "$work/ready"
    rm "$work/ready"
}
# Beside mapped files, MiB.
owned() {
    awk '/^Pss:/ { t = $2 } /^Pss_File:/ { f = $2 } END { print int((t - f) / 1024) }' \
        "/proc/$node/smaps_rollup"
}
gigabytes() { awk -v b="$(stat -c %s "$work/log/data.mdb")" 'BEGIN { printf "%.1f", b / 1e9 }'; }

# Kills the node under load each time the log has grown by a quarter of what is wanted.
open_time() {
    local wanted=$1 loader begun
    echo "| data file, GB | memory owned, MiB | ready after kill -9, ms |"
    echo "|---|---|---|"
    start_node
    for part in 1 2 3 4; do
        skald -q -s "ipc://$work/n" bench pub --connections 4 --in-flight 16 --per-message 64 \
            --payload 1024 --streams 1000 --seconds 600 >/dev/null 2>&1 &
        loader=$!
        until awk -v has="$(gigabytes)" -v all="$wanted" -v part=$part \
            'BEGIN { exit !(has >= all * part / 4) }'; do sleep 0.2; done
        memory=$(owned)
        kill -9 "$node" "$loader"
        wait "$node" "$loader" 2>/dev/null || true
        begun=$(date +%s%N)
        start_node
        echo "| $(gigabytes) | $memory | $((($(date +%s%N) - begun) / 1000000)) |"
    done
}

case ${1:-} in
    append) append_cost ;;
    open) open_time "${2:-10}" ;;
    *)
        sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
        exit 2
        ;;
esac
