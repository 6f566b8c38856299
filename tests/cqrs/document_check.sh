#!/bin/sh
# The code in a document is that of its example: every indented line, but those with dots left out,
# stands there too.
#
#     document_check.sh SOURCE_DIR DOCUMENT EXAMPLE
set -eu

[ $# -eq 3 ] || { echo "usage: document_check.sh SOURCE_DIR DOCUMENT EXAMPLE" >&2; exit 2; }
code=$(cat "$1/$3"/*.h "$1/$3"/*.cc | sed 's/^ *//')
lines=$(grep '^    ' "$1/$2" | grep -v '\.\.\. ' | sed 's/^ *//' | sort -u)
[ "$(echo "$lines" | wc -l)" -gt 30 ] || { echo "$2 shows hardly any code"; exit 1; }
echo "$lines" | {
    missing=0
    while IFS= read -r line; do
        if ! echo "$code" | grep -qxF -e "$line"; then
            echo "$2: not in $3: $line"
            missing=1
        fi
    done
    exit $missing
}
