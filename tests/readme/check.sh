#!/bin/sh
# Runs the commands of a README as a reader would: every block fenced as ```sh run, in order, in one
# shell, in a scratch directory, with the program first on PATH.
#
#     tests/readme/check.sh README.md BIN_DIR
#
# Ends with 0 when all succeed; else the failing block was the last one announced. A file without
# such a block is an error: it would check nothing. What a block leaves running is ended.
set -eu

[ $# -eq 2 ] || { echo "usage: check.sh README BIN_DIR" >&2; exit 2; }
readme=$(realpath "$1")
bin=$(realpath "$2")

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

{
    echo 'set -eu'
    echo "trap 'jobs -p > ../left; xargs -r kill < ../left 2>/dev/null || :' EXIT"
    awk -v name="$(basename "$readme")" '
        /^```sh run[ \t]*$/ && !inside { inside = 1; printf "echo \"--- %s:%d\"\n", name, NR; next }
        /^```[ \t]*$/ && inside { inside = 0; next }
        inside { print }
    ' "$readme"
} > "$scratch/commands.sh"

grep -q '^echo "--- ' "$scratch/commands.sh" || {
    echo "check.sh: $readme holds no block fenced as sh run" >&2
    exit 1
}

mkdir "$scratch/here"
cd "$scratch/here"
PATH="$bin:$PATH" sh "$scratch/commands.sh" < /dev/null
echo "check.sh: the commands of $(basename "$readme") work"
