#!/bin/sh
# Runs an example in a directory of its own.
#
#     run_fresh.sh PROGRAM
set -eu

[ $# -eq 1 ] || { echo "usage: run_fresh.sh PROGRAM" >&2; exit 2; }
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
"$1" "$directory"
