#!/bin/sh
# `skald pub --ephemeral` reaches a `skald sub` of another process through a node, and no log.
#
#     tests/cli/ephemeral.sh BIN_DIR
set -eu

[ $# -eq 1 ] || { echo "usage: ephemeral.sh BIN_DIR" >&2; exit 2; }
skald=$(realpath "$1")/skald

scratch=$(mktemp -d)
node=
follower=
finish() {
    for process in $follower $node; do
        { kill "$process" && wait "$process"; } 2> /dev/null || :
    done
    rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 1' INT TERM
cd "$scratch"

# follow WORDS...: starts `skald sub` and waits until it is caught up.
follow() {
    rm -f notes
    mkfifo notes
    "$skald" -v sub "$@" > seen 2> notes &
    follower=$!
    exec 3< notes
    read -r note <&3
    case $note in *'caught up at'*) ;; *) echo "sub said: $note"; exit 1 ;; esac
}
# same WANTED FILE
same() { printf '%s\n' "$1" | diff - "$2"; }

mkfifo ready
"$skald" serve --data log --http '' --listen 'tcp://127.0.0.1:*' > ready 2> log.err &
node=$!
read -r line < ready || { cat log.err; exit 1; }
SKALD_SERVER=$(echo "$line" | sed 's/.* listen=\([^ ]*\).*/\1/')
export SKALD_SERVER

id=0190a1b2-0000-7000-8000-0000000000ff
when=2026-01-31T08:00:00Z

echo "--- as JSON"
follow --category chat --count 2 --json
"$skald" pub other-1 --type typing --ephemeral -q
"$skald" pub chat-1 --type typing --ephemeral --data '{"user":"ann"}' --id $id --time $when \
    > receipt
same '{"stream":"chat-1","id":"'$id'","ephemeral":true}' receipt
"$skald" pub chat-1 --type said --id $id --time $when -q
wait "$follower"
follower=
grep -v recorded_at seen > passed
same '{"stream":"chat-1","id":"'$id'","type":"typing",'\
'"time":"2026-01-31T08:00:00.000000Z","content_type":"application/json",'\
'"data":{"user":"ann"},"metadata":{},"ephemeral":true}' passed
grep -q '"version":0,.*"type":"said"' seen

echo "--- as text"
follow --stream 'chat-*' --from end --count 1 -o text
"$skald" pub chat-2 --type typing --ephemeral --data 1 --time $when -o text > receipt
grep -q '^chat-2  ephemeral, not stored  id=' receipt
wait "$follower"
follower=
id=$(sed 's/.*id=//' receipt)
same 'chat-2~ephemeral  typing  2026-01-31T08:00:00.000000Z  1  id='"$id" seen

echo "--- nothing of it was stored"
"$skald" read --all --json > stored
[ "$(wc -l < stored)" = 1 ]
[ "$("$skald" stream ls)" = 'chat-1  versions 0-0' ]

echo "--- refusals"
status() { set +e; "$@" > out 2> err; echo $?; set -e; }
[ "$(status "$skald" pub "\$ours" --type t --ephemeral)" = 2 ]
[ "$(status "$skald" pub s --type t --ephemeral --expect none)" = 2 ]
[ "$(status "$skald" pub s --type t --ephemeral --server tcp://127.0.0.1:1)" = 5 ]
echo "ephemeral.sh: the events came, and were not stored"
