#!/bin/sh
# The code in docs/cqrs.md is that of the examples: every indented line, but those with dots left
# out, stands in one of them.
#
#     document_check.sh SOURCE_DIR
set -eu

[ $# -eq 1 ] || { echo "usage: document_check.sh SOURCE_DIR" >&2; exit 2; }
code=$(cat "$1"/examples/*/*.h "$1"/examples/*/*.cc | sed 's/^ *//')
lines=$(grep '^    ' "$1/docs/cqrs.md" | grep -v '\.\.\. ' | sed 's/^ *//' | sort -u)
[ "$(echo "$lines" | wc -l)" -gt 30 ] || { echo "docs/cqrs.md shows hardly any code"; exit 1; }
echo "$lines" | {
    missing=0
    while IFS= read -r line; do
        if ! echo "$code" | grep -qxF -e "$line"; then
            echo "docs/cqrs.md: in no example: $line"
            missing=1
        fi
    done
    exit $missing
}
