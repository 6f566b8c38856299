#!/bin/sh
# The long-running checks: soak.sh [kill|power|disk|hostile [COUNT]]. Each prints one line of counts
# and ends non-zero at the first broken promise; without a verb all run. Started by `./run soak`.
#
#   kill    [CYCLES] kill the store at any moment and look what is there       500
#   power   [IMAGES] cut its power at any moment, open what the disk may hold  5000
#   disk    [STRIDE] let every STRIDE-th call on the disk fail, in turn        1
#   hostile [SCALE]  a node among hostile peers, SCALE times a minute of them  1
#
# SKALD_SEED: the first seed; today's date unless set. TMPDIR: where data goes; build/soak
# unless set.
set -eu
cd "$(dirname "$0")/../.."

programs=build/release/tests/crash
hostile=build/release/tests/hostile/skald_hostile
seed=${SKALD_SEED:-$(date +%Y%m%d)}
TMPDIR=${TMPDIR:-$PWD/build/soak}
export TMPDIR
mkdir -p "$TMPDIR"

soak() {
    case "$1" in
        kill) "$programs/skald_crash_kill" --seed "$seed" --cycles "${2:-500}" ;;
        power) "$programs/skald_crash_power" --seed "$seed" --images "${2:-5000}" ;;
        disk) "$programs/skald_crash_disk" --seed "$seed" --stride "${2:-1}" ;;
        hostile)
            scale=${2:-1}
            "$hostile" --node build/release/bin/skald --seed "$seed" --seconds $((60 * scale)) \
                --connections $((10000 * scale)) --stalled 100 --bulk $((2000 * scale))
            ;;
        *)
            echo "usage: ./run soak [kill|power|disk|hostile [COUNT]]" >&2
            exit 2
            ;;
    esac
}

if [ $# -gt 0 ]; then
    soak "$@"
    exit
fi
status=0
for verb in kill power disk hostile; do
    soak "$verb" || status=1
done
exit "$status"
