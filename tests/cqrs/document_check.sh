#!/bin/sh
# The code in a document is that of examples: every indented line, but those with dots left out,
# stands in one of them.
#
#     document_check.sh SOURCE_DIR DOCUMENT EXAMPLES
set -eu

[ $# -eq 3 ] || { echo "usage: document_check.sh SOURCE_DIR DOCUMENT EXAMPLES" >&2; exit 2; }
# $3 may be a pattern.
# shellcheck disable=SC2086
code=$(cd "$1" && for dir in $3; do
    cat "$dir"/*.h "$dir"/*.cc || true
done 2> /dev/null | sed 's/^ *//')
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
