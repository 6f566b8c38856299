#!/usr/bin/env bash
# skald's figures beside the raw limits of this machine and its peers, in one run, and the ratios
# that the project promises.
#
#     bench/run.sh [-p payload bytes, 128] [-s seconds a measurement, 1] [-r rounds, 3] [target...]
#
# Targets are those of ../shared/bench/peers.sh, run in the same rounds where it is there; default:
# floor-lmdb replay zmq nats redis-always. `none` measures skald alone. Prints one line a figure,
# 'who metric payload value unit', medians of the rounds, then the ratios. What a metric means is
# said in bench/README.md. Figures of different runs must not be compared: only ratios within one.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
peers=$top/../shared/bench/peers.sh
payload=128 secs=1 rounds=3
while getopts p:s:r: o; do
    case $o in
        p) payload=$OPTARG ;; s) secs=$OPTARG ;; r) rounds=$OPTARG ;;
        *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(floor-lmdb replay zmq nats redis-always)
if [ "${targets[0]}" = none ] || [ ! -x "$peers" ]; then targets=(); fi

data=${SKALD_BENCH_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/skald-bench}/skald
mkdir -p "$data"
work=$(mktemp -d "$data/run.XXXXXX")
node=
cleanup() {
    [ -z "$node" ] || kill "$node" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

start_node() {
    mkfifo "$work/ready"
    skald serve --data "$work/log" --listen "ipc://$work/n" --http 127.0.0.1:0 > "$work/ready" &
    node=$!
    read -r _ < "$work/ready"
    rm "$work/ready"
    export SKALD_SERVER=ipc://$work/n
}
stop_node() {
    kill "$node"
    wait "$node" || true
    node=
    rm -rf "$work/log"
}
# The node's memory beside mapped files, MiB.
owned() {
    awk '/^Pss:/ { t = $2 } /^Pss_File:/ { f = $2 } END { print int((t - f) / 1024) }' \
        "/proc/$node/smaps_rollup"
}
load() { skald -q bench "$@" --payload "$payload" --seconds "$secs"; }

measure_skald() {
    start_node
    load pub --connections 1 --in-flight 1 --streams 1
    load pub --connections 8 --in-flight 1 --streams 1
    load pub --connections 4 --in-flight 1024 --streams 1
    load pub --connections 4 --in-flight 16 --streams 1 --per-message 64
    echo "skald memory_owned $payload $(owned) MiB"
    skald -q bench sub
    skald -q bench consume
    stop_node
    start_node
    load pub --connections 4 --in-flight 1024 --streams 1000000 |
        sed 's/ publish_4x1024/&_1Mstreams/; s/ ack_4x1024/&_1Mstreams/'
    skald -q bench sub | sed 's/ replay_push/&_1Mstreams/; /end_to_end/d'
    load live --subscribers 8 --in-flight 64 --streams 1 --per-message 100
    stop_node
    skald -q bench rebuild --data "$work/rebuild" --payload "$payload" --seconds "$secs"
    rm -rf "$work/rebuild"
    start_node
    skald -q bench rebuild --payload "$payload" --seconds "$secs" |
        sed 's/ rebuild_[a-z]*/&_ipc/'
    stop_node
}

for round in $(seq "$rounds"); do
    for target in "${targets[@]}"; do
        "$peers" -p "$payload" -s "$secs" "$target" >> "$work/figures"
    done
    measure_skald >> "$work/figures"
    echo "round $round of $rounds done" >&2
done

awk '
    { k = $1 " " $2 " " $3
      if (!(k in n)) order[++kinds] = k
      v[k, ++n[k]] = $4; unit[k] = $5 }
    function median(k,   c, a, b, t) {
        c = n[k]
        for (a = 2; a <= c; a++)
            for (b = a; b > 1 && v[k, b] + 0 < v[k, b - 1] + 0; b--) {
                t = v[k, b]; v[k, b] = v[k, b - 1]; v[k, b - 1] = t
            }
        return c % 2 ? v[k, (c + 1) / 2] : (v[k, c / 2] + v[k, c / 2 + 1]) / 2
    }
    END {
        for (i = 1; i <= kinds; i++)
            printf "%s %.2f %s\n", order[i], median(order[i]), unit[order[i]]
    }
' "$work/figures" | tee "$work/medians"

awk -v p="$payload" '
    { value[$1 " " $2] = $4 }
    function ratio(name, a, b, wanted) {
        if ((a in value) && (b in value) && value[b] > 0)
            printf "ratio  %-46s %.2f  (%s)\n", name, value[a] / value[b], wanted
    }
    END {
        ours = "skald publish_4x1024"
        ahead = "floor-lmdb-ahead ipc_publish_4x1024"
        large = p > 512
        ratio("publish 4x1024 / floor-lmdb-ahead", ours, ahead, ">= 0.65")
        ratio("publish 4x1024 / redis-always", ours, "redis-always publish_4x1024",
              large ? ">= 2.5" : ">= 3")
        ratio("publish 4x1024 / nats", ours, "nats publish_4x1024", large ? "" : ">= 5")
        ratio("publish 64 a message / floor-lmdb-ahead", "skald publish_4x16_batch64",
              ahead "_msg64", ">= 0.6")
        ratio("1,000,000 streams / one stream", ours "_1Mstreams", ours, ">= 0.5")
        ratio("ack 1x1 p50 / floor-lmdb", "skald ack_1x1_p50", "floor-lmdb ipc_ack_1x1_p50",
              "<= 1.15")
        ratio("replay / floor-replay 64k", "skald replay_push", "floor-replay ipc_64k_copy",
              ">= 0.5")
        ratio("replay / nats", "skald replay_push", "nats replay_push", large ? ">= 1.2" : ">= 2")
        ratio("8 live subscribers / zmq", "skald live_8sub_batch100", "zmq pub_8sub_ipc_batch100",
              ">= 0.5")
        ratio("consume, acknowledged / redis-always", "skald consume_acked",
              "redis-always consume_pull_acked", ">= 2")
        ratio("consume, acknowledged / nats", "skald consume_acked", "nats consume_pull_acked",
              ">= 2")
        pg = "postgres-on rehydrate_100"
        ratio("rebuild, cold and scattered / postgres", "skald rebuild_scattered", pg, ">= 1.0")
        ratio("rebuild, imported in runs / postgres", "skald rebuild_runs", pg, ">= 4")
        ratio("rebuild, from the cache / postgres", "skald rebuild_cached", pg, ">= 20")
        ratio("rebuild over ipc, p50 / postgres", "skald rebuild_runs_ipc_p50", pg "_p50",
              "<= 1.0")
        ratio("replay / redis", "skald replay_push", "redis-always replay_pull",
              large ? ">= 1.2" : ">= 2")
    }' "$work/medians"
