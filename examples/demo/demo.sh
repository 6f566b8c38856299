#!/bin/sh
# The tour of skald on a real event log: import, read, follow, share work, kill -9 in the middle of
# an import, restart, verify, back up. Every step checks itself; the first that fails ends the demo.
#
#     demo.sh [--once] [--repo DIR]
#
# --once ends with status 0 after the last step; without it the node stays up until Ctrl-C.
# --repo DIR takes the history of that git repository, one stream a file. Otherwise the log of real
# building permits beside the project is taken when it is there, else the project's own history.
set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
permits=$top/../shared/data/permits.ndjson.gz
once=no
repository=
while [ $# -gt 0 ]; do
    case "$1" in
        --once) once=yes ;;
        --repo) [ $# -gt 1 ] || { echo "demo: --repo needs a directory" >&2; exit 2; }
            repository=$2
            shift ;;
        *) echo "usage: demo.sh [--once] [--repo DIR]" >&2; exit 2 ;;
    esac
    shift
done

work=$(mktemp -d)
node=
step=setup
finish() {
    status=$?
    [ -z "$node" ] || kill "$node" 2>/dev/null || true
    [ "$status" = 0 ] || echo "demo: the step '$step' failed" >&2
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT
trap 'exit 0' INT TERM

begin() {
    step=$1
    printf '\n== %s\n' "$step"
}
# expect WHAT GOT WANTED
expect() {
    [ "$2" = "$3" ] || { echo "demo: $1: got $2, wanted $3" >&2; exit 1; }
    echo "   ok: $1 = $2"
}
field() {  # field NAME: of each JSON line on standard input
    sed -n "s/.*\"$1\": *\"\\([^\"]*\\)\".*/\\1/p"
}
ids() {
    field id | sort
}

start_node() {
    mkfifo "$work/ready.$1"
    skald serve --data "$work/data" --listen 'tcp://127.0.0.1:*' --http 127.0.0.1:0 \
        > "$work/ready.$1" 2>> "$work/node.log" &
    node=$!
    read -r ready < "$work/ready.$1" || { cat "$work/node.log" >&2; exit 1; }
    SKALD_SERVER=$(echo "$ready" | sed 's/.* listen=\([^ ,]*\).*/\1/')
    export SKALD_SERVER
    echo "   $ready"
}

begin "take a real event log"
if [ -z "$repository" ] && [ -f "$permits" ]; then
    gzip -dc "$permits" > "$work/events.ndjson"
    echo "   $permits"
else
    example_git_history "${repository:-$top}" > "$work/events.ndjson"
    echo "   the git history of ${repository:-$top}"
fi
events=$(wc -l < "$work/events.ndjson")
echo "   $events events"

begin "start a node"
start_node 1

begin "import them"
skald import "$work/events.ndjson"
expect "events in the log" "$(skald export --all | tee "$work/all.ndjson" | wc -l)" "$events"
field stream < "$work/events.ndjson" > "$work/order.in"
field stream < "$work/all.ndjson" > "$work/order.out"
cmp -s "$work/order.in" "$work/order.out" || { echo "demo: the order differs" >&2; exit 1; }
echo "   ok: same events, same order"

begin "read one stream's history"
stream=$(sed -n '1p' "$work/order.in")
skald read "$stream" --limit 5
expect "events of $stream" "$(skald read "$stream" --limit 4096 --json | wc -l)" \
    "$(grep -cxF "$stream" "$work/order.in")"

begin "rebuild an aggregate from its events, at two versions"
cat > "$work/history.toml" << END
# What happened to a stream: how much, and what last.
name = "history"
key = "stream"

[from]
category = "${stream%%-*}"

[columns]
stream = "text"
events = "integer"
last = "text"

[[on]]
type = "*"
key = "stream"
add = { events = 1 }
set = { last = "type" }
END
# aggregate [ARGUMENTS]: how many events its row counts.
aggregate() {
    skald aggregate show "$stream" --file "$work/history.toml" --json "$@" |
        sed 's/.*"rows":.*"events":\([0-9]*\).*/\1/'
}
skald aggregate show "$stream" --at 0 --file "$work/history.toml" --output text
expect "events in its state at version 0" "$(aggregate --at 0)" 1
skald aggregate show "$stream" --file "$work/history.toml" --output text
expect "events in its state now" "$(aggregate)" "$(grep -cxF "$stream" "$work/order.in")"

begin "declare a projection, and query its read model"
cat > "$work/types.toml" << 'END'
# How often each type of event happened, and to which stream last.
name = "types"
key = "type"

[columns]
type = "text"
events = "integer"
last = "text"

[[index]]
columns = "events"

[[on]]
type = "*"
key = "type"
add = { events = 1 }
set = { last = "stream" }
END
skald projection create "$work/types.toml"
skald query types --order events --desc --limit 5 --output text
# counted FILE: of NDJSON events, each type with its number.
counted() {
    field type < "$1" | sort | uniq -c | sed 's/^ *\([0-9]*\) \(.*\)/\2 \1/' | sort
}
# expect_rows FILE: the read model says what counting says.
expect_rows() {
    counted "$1" > "$work/counted"
    skald query types --limit 10000 --json > "$work/rows"
    sed 's/.*"type":"\([^"]*\)","events":\([0-9]*\).*/\1 \2/' "$work/rows" | sort > "$work/queried"
    cmp -s "$work/counted" "$work/queried" || { echo "demo: the rows are others" >&2; exit 1; }
    echo "   ok: $(wc -l < "$work/counted") rows, each with the right count"
}
expect_rows "$work/events.ndjson"

begin "follow a filtered subscription while events arrive"
position=$(skald pub demo-1 --type DemoStarted --data '{}' --json | field position)
skald sub --category demo --type 'Note*' --from "$position" --count 5 --json > "$work/notes" &
follower=$!
for n in 1 2 3 4 5; do
    skald pub "demo-$n" --type NoteTaken --data "{\"n\":$n}" --quiet
    skald pub "demo-$n" --type Ignored --data "{\"n\":$n}" --quiet
done
wait "$follower"
expect "notes that the subscriber got" "$(grep -c NoteTaken "$work/notes")" 5

begin "share work among members of a durable consumer: mails for orders, one address broken"
# consumer NAME FIELD: a number that the node shows.
consumer() {
    skald consumer show "$1" --json | sed "s/.*\"$2\":\([0-9]*\).*/\1/"
}
example_mailer --server "$SKALD_SERVER" "$work/outbox"
mails=$(wc -l < "$work/outbox")
expect "events that are done" "$(consumer mailer "done")" "$mails"
expect "events that are parked still" "$(consumer mailer "parked")" 0
skald consumer show mailer --output text

begin "kill -9 the node in the middle of an import"
# The same events again as others: in streams of their own, without the ids of a git history.
copies='1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20'
for copy in $copies; do
    sed -e "s/\"stream\": *\"/\"stream\":\"copy$copy-/" -e 's/"id": *"[^"]*", *//' \
        "$work/events.ndjson"
done > "$work/more.ndjson"
mkfifo "$work/receipts.pipe"
skald import "$work/more.ndjson" --receipts --timeout 2s \
    > "$work/receipts.pipe" 2> "$work/import.log" &
importer=$!
# The node dies once the 500th receipt is here; the rest is what was on its way.
awk -v node="$node" -v out="$work/receipts" '
    { print > out }
    NR == 500 { fflush(out); system("kill -9 " node) }' < "$work/receipts.pipe"
wait "$importer" && { echo "demo: the import ended well without its node" >&2; exit 1; }
wait "$node" 2>/dev/null || true
node=
acknowledged=$(grep -c '"offset"' "$work/receipts")
echo "   $acknowledged of $(wc -l < "$work/more.ndjson") events were acknowledged, then:"
echo "   $(tail -n 1 "$work/import.log")"

begin "restart it: every acknowledged event is there, once"
start_node 2
skald export --all > "$work/after.ndjson"
ids < "$work/after.ndjson" > "$work/ids.after"
grep '"offset"' "$work/receipts" | ids > "$work/ids.acknowledged"
expect "acknowledged events that are missing" \
    "$(comm -23 "$work/ids.acknowledged" "$work/ids.after" | wc -l)" 0
expect "events that are there twice" "$(uniq -d "$work/ids.after" | wc -l)" 0

begin "the consumer is where it was: what was answered does not come again"
expect "events that are done" "$(consumer mailer "done")" "$mails"
skald pub order-1 --type OrderStatusChanged --data '{"status":"returned"}' --quiet
skald sub --group mailer --count 1 --json > "$work/again"
expect "what a member gets next" "$(sed 's/.*"status":"\([a-z]*\)".*/\1/' "$work/again")" returned

begin "the read model went on where it was, with each event once"
position=$(skald pub demo-1 --type DemoResumed --data '{}' --json | field position)
skald query types DemoResumed --at-least "$position" --timeout 60s > /dev/null
skald export --all > "$work/after.ndjson"
expect_rows "$work/after.ndjson"

begin "stop it, verify and back up"
kill "$node"
wait "$node" || { echo "demo: the node ended with status $?" >&2; exit 1; }
node=
skald verify "$work/data"
skald backup "$work/backup" --data "$work/data"
skald verify "$work/backup"
expect "events in the backup" "$(skald export --all --data "$work/backup" | wc -l)" \
    "$(wc -l < "$work/after.ndjson")"

printf '\nEvery step did what it should.\n'
if [ "$once" = no ]; then
    begin "the node stays up until Ctrl-C"
    start_node 3
    echo "   try: SKALD_SERVER=$SKALD_SERVER skald read $stream"
    wait "$node"
fi
