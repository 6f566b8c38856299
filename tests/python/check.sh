#!/bin/sh
# Runs examples/python against the documents and a real node, and reads with `skald` what it wrote.
#
#     tests/python/check.sh BIN_DIR [PYTHON]
#
# Ends with 77 when PYTHON (/usr/bin/python3 unless named) has no zmq or flatbuffers.
set -eu

[ $# -ge 1 ] || { echo "usage: check.sh BIN_DIR [PYTHON]" >&2; exit 2; }
bin=$(realpath "$1")
python=${2:-/usr/bin/python3}
here=$(realpath "$(dirname "$0")")
top=$(realpath "$here/../..")

"$python" -c 'import flatbuffers, zmq' || { echo "check.sh: skipped"; exit 77; }

scratch=$(mktemp -d)
node=
finish() {
    [ -z "$node" ] || { kill "$node" && wait "$node"; } || :
    rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 1' INT TERM

say() { echo "--- $*"; }
run() { timeout 120 "$python" "$@"; }

# start_node NAME PARTITIONS: sets SKALD_SERVER to a node on a port of its own.
start_node() {
    mkfifo "$scratch/$1.ready"
    "$bin/skald" serve --data "$scratch/$1" --partitions "$2" --http '' \
        --listen 'tcp://127.0.0.1:*' > "$scratch/$1.ready" 2> "$scratch/$1.log" &
    node=$!
    read -r ready < "$scratch/$1.ready" || { cat "$scratch/$1.log"; exit 1; }
    SKALD_SERVER=$(echo "$ready" | sed 's/.* listen=\([^ ]*\).*/\1/')
    export SKALD_SERVER
}
stop_node() {
    kill "$node"
    wait "$node"
    node=
}

flatc --python --gen-onefile --gen-object-api -o "$scratch/generated" "$top/wire/protocol.fbs"
PYTHONPATH=$scratch/generated:$top/examples/python
PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH PYTHONDONTWRITEBYTECODE

say "the worked examples of the documents"
run "$here/documents_test.py"

for partitions in 1 16; do
    start_node "node-$partitions" "$partitions"

    say "the tour, $partitions partitions"
    run "$top/examples/python/tour.py" "$SKALD_SERVER" parcel-1 > "$scratch/tour"
    diff "$here/tour.expected" "$scratch/tour"

    say "what skald reads of it"
    "$bin/skald" read parcel-1 > "$scratch/read.all"
    sed 's/"\(partition\|offset\)":[0-9]*,//g
        s/"\(stream\|id\|time\|recorded_at\|content_type\)":"[^"]*",//g' \
        "$scratch/read.all" > "$scratch/read"
    diff "$here/read.expected" "$scratch/read"

    say "against the node"
    "$bin/skald" pub foreign-1 --type Noted --data '{"text":"ü"}' --tag a --tag b --meta by=pub \
        --meta empty= --correlation c-1 --causation c-0 --time 2020-01-01T00:00:00Z
    printf plain | "$bin/skald" pub foreign-1 - --type Noted --content-type text/plain
    run "$here/node_test.py"

    say "a read model of the node"
    "$bin/skald" projection create "$here/counts.toml" > "$scratch/created"
    run "$here/models_test.py" "$SKALD_SERVER"
    stop_node
    "$bin/skald" verify "$scratch/node-$partitions"
done
say "the client in Python works"
