#!/bin/sh
# A real process that meets a fault of memory, as pages of a damaged directory lead to, ends with a
# word and status 1.
#
#     tests/cli/fault_check.sh BIN_DIR
set -eu

[ $# -ge 1 ] || { echo "usage: fault_check.sh BIN_DIR" >&2; exit 2; }
PATH=$(realpath "$1"):$PATH
# Where a sanitizer is built in, it leaves the fault to the program.
ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}handle_segv=0:handle_sigbus=0"
export ASAN_OPTIONS
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM
cd "$scratch"

fail() { echo "fault_check.sh: $*" >&2; exit 1; }

mkfifo ready
for signal in SEGV BUS; do
    skald serve --data data --listen 'tcp://127.0.0.1:*' --http '' > ready 2> said &
    node=$!
    read -r _ < ready || { cat said >&2; fail "the node did not start"; }
    kill -s "$signal" "$node"
    status=0
    wait "$node" || status=$?
    [ "$status" = 1 ] || fail "$signal: status $status, not 1"
    grep -q '^skald: the data directory is damaged' said || fail "$signal: no word"
done
echo "--- faults are told"
