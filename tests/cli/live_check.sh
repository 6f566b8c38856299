#!/bin/sh
# Real processes: a node that `skald bench pub` and `skald import` write to is backed up and
# scavenged by `skald`, and all that was acknowledged before is in the copy, once.
#
#     tests/cli/live_check.sh BIN_DIR
set -eu

[ $# -ge 1 ] || { echo "usage: live_check.sh BIN_DIR" >&2; exit 2; }
PATH=$(realpath "$1"):$PATH
scratch=$(mktemp -d)
node=
writer=
end() {  # end PID...: however
    for child in "$@"; do
        kill "$child" 2> /dev/null || :
        wait "$child" || :
    done
}
finish() {
    # shellcheck disable=SC2086 # none, or one
    end $writer $node
    rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 1' INT TERM
cd "$scratch"

say() { echo "--- $*"; }
fail() { echo "live_check.sh: $*" >&2; exit 1; }
# expect STATUS COMMAND...: what it says goes to `said`.
expect() {
    wanted=$1
    shift
    status=0
    "$@" > said 2>&1 || status=$?
    [ "$status" = "$wanted" ] || { cat said >&2; fail "$*: status $status, not $wanted"; }
}
numbers() {  # of the events of stream `before`, sorted
    skald export --stream before --data "$1" | sed -n 's/.*"n":\([0-9]*\).*/\1/p' | sort -n
}

mkfifo ready
skald serve --data data --partitions 3 --listen 'tcp://127.0.0.1:*' --http '' > ready 2> log &
node=$!
read -r line < ready || { cat log >&2; exit 1; }
SKALD_SERVER=$(echo "$line" | sed 's/.* listen=\([^ ,]*\).*/\1/')
export SKALD_SERVER

say "5,000 acknowledged events, and a writer that goes on"
i=0
while [ $i -lt 5000 ]; do
    echo "{\"stream\":\"before\",\"type\":\"T\",\"data\":{\"n\":$i}}"
    i=$((i + 1))
done > events
skald import -q events
skald pub secret --type T --data '"TheSecretThatMustGo"' > receipt
skald bench pub --in-flight 4 --seconds 600 > /dev/null &
writer=$!

say "a backup through the node"
expect 0 skald backup copy
kill -0 "$writer" || fail "the writer is gone"
expect 0 skald verify copy
seq 0 4999 > wanted
numbers copy > got
cmp wanted got || fail "not all that was acknowledged is in the copy, once"
expect 0 skald restore copy restored
numbers restored > got
cmp wanted got || fail "the restored log is another one"

say "what is refused"
expect 4 skald backup copy
expect 4 skald backup other --data data
grep -q 'leave --data out' said || fail "no word of leaving --data out"
expect 2 skald backup other --data data --server "$SKALD_SERVER"
[ ! -e other ] || fail "a refused backup left something"

say "a scavenge by the node"
grep -q TheSecretThatMustGo data/data.mdb || fail "the event is not there yet"
skald stream delete secret > receipt
expect 0 skald scavenge
grep -q '1 record removed' said || { cat said >&2; fail "another report"; }
if grep -q TheSecretThatMustGo data/data.mdb; then
    fail "bytes that were to go are there"
fi
kill -0 "$writer" || fail "the writer is gone"

say "a backup after it, and one that is cut off"
expect 0 skald backup later
expect 0 skald verify later
skald backup cut > /dev/null 2>&1 &
kill -9 $!
wait $! || :
if [ -e cut/data.mdb ] && skald info cut > said 2>&1; then
    expect 0 skald verify cut
    numbers cut > got
    cmp wanted got || fail "a torn copy passes for a log"
fi
end "$writer"
writer=
kill "$node"
wait "$node" || fail "the node ended with status $?"
node=
expect 0 skald verify data
say "a node at work can be backed up and scavenged"
