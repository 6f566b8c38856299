#!/bin/sh
# The long-running checks: soak.sh [VERB [COUNT]]. Each prints its counts and ends non-zero at a
# broken promise; without a verb all run. Started by `./run soak`.
#
#   kill      [CYCLES]  kill the store at any moment and look what is there       500
#   projector [CYCLES]  kill a projector at any moment and recount its rows       100
#   permits   [CYCLES]  kill a node that projects real events, recount its rows   100
#   consumers [SECONDS] kill the members of a consumer, and its node 20 times     600
#   locks     [COUNT]   so many processes want one lock; 20 holders are paused    1000
#   power     [IMAGES]  cut its power at any moment, open what the disk may hold  5000
#   disk      [STRIDE]  let every STRIDE-th call on the disk fail, in turn        1
#   hostile   [SCALE]   a node among hostile peers, SCALE times a minute of them  1
#   race      [ROUNDS]  two writers for the last seat; many for a hot account; and
#                       who wrote reads it                                      10000
#   sim       [SEEDS]   simulated clusters; planted faults are found within 10,000 of
#                       them                                                 1000000
#   model     [MILLIONS] search the model of replication, so many states a time     20
#   fuzz      [SECONDS] each fuzzer so long, with clang's sanitizers              600
#
# SKALD_SEED: the first seed; today's date unless set. TMPDIR: where data goes; build/soak
# unless set.
set -eu
cd "$(dirname "$0")/../.."

programs=build/release/tests/crash
hostile=build/release/tests/hostile/skald_hostile
race=build/release/tests/race/skald_race
model=build/release/tests/model/skald_model_search
seed=${SKALD_SEED:-$(date +%Y%m%d)}
TMPDIR=${TMPDIR:-$PWD/build/soak}
export TMPDIR
mkdir -p "$TMPDIR"

# From the stored inputs on; what is found on the way is thrown away, but for what breaks it.
fuzz() {
    cmake --preset fuzz >/dev/null
    cmake --build --preset fuzz -j "$(nproc)" >/dev/null
    fuzz_status=0
    for fuzzer in build/fuzz/tests/*/fuzz_*; do
        room=$(basename "$(dirname "$fuzzer")")
        target=${fuzzer##*/fuzz_}
        found=$(mktemp -d "$TMPDIR/fuzz.XXXXXX")
        if "$fuzzer" -max_total_time="$1" -timeout=10 -artifact_prefix="$TMPDIR/$target-" \
            "$found" "tests/$room/corpus/$target" 2>"$found.log"; then
            grep '^Done ' "$found.log" | sed "s/^Done/fuzz $target:/"
        else
            tail -n 40 "$found.log" >&2
            echo "fuzz $target: broken, its input is $TMPDIR/$target-*" >&2
            fuzz_status=1
        fi
        rm -rf "$found" "$found.log"
    done
    return "$fuzz_status"
}

# The events of $SKALD_PERMITS, or of the file beside the project.
permits() {
    SKALD_PERMITS=${SKALD_PERMITS:-../shared/data/permits.ndjson.gz}
    export SKALD_PERMITS
    if [ -f "$SKALD_PERMITS" ]; then
        tests/soak/permits.py build/release/bin/skald . "$1" "$seed"
    else
        echo "permits: skipped, SKALD_PERMITS names no file of events"
    fi
}

soak() {
    case "$1" in
        kill) "$programs/skald_crash_kill" --seed "$seed" --cycles "${2:-500}" ;;
        projector)
            for rows in lmdb sql inline; do
                "$programs/skald_crash_projector" --rows $rows --seed "$seed" \
                    --cycles "${2:-100}" || return 1
            done
            ;;
        permits) permits "${2:-100}" ;;
        consumers)
            for mode in shared per_key exclusive; do
                tests/soak/consumers.py build/release/bin/skald $mode "${2:-600}" 20 "$seed" ||
                    return 1
            done
            ;;
        locks) tests/soak/locks.py build/release/bin/skald "${2:-1000}" 20 ;;
        power) "$programs/skald_crash_power" --seed "$seed" --images "${2:-5000}" ;;
        disk) "$programs/skald_crash_disk" --seed "$seed" --stride "${2:-1}" ;;
        hostile)
            scale=${2:-1}
            "$hostile" --node build/release/bin/skald --seed "$seed" --seconds $((60 * scale)) \
                --connections $((10000 * scale)) --stalled 100 --bulk $((2000 * scale))
            ;;
        race)
            "$race" seats --rounds "${2:-10000}" && "$race" pairs --rounds "${2:-10000}" &&
                "$race" hot --seconds 60
            ;;
        sim)
            simulate=build/release/sim/skald_simulate
            "$simulate" faults --seeds 10000 && "$simulate" seeds --from "$seed" \
                --seeds "${2:-1000000}"
            ;;
        model) "$model" "${2:-20}" ;;
        fuzz) fuzz "${2:-600}" ;;
        *)
            echo "usage: ./run soak [VERB [COUNT]]; see the head of tests/soak/soak.sh" >&2
            exit 2
            ;;
    esac
}

if [ $# -gt 0 ]; then
    soak "$@"
    exit
fi
status=0
for verb in kill projector permits consumers locks power disk hostile race sim model fuzz; do
    soak "$verb" || status=1
done
exit "$status"
