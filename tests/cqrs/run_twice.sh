#!/bin/sh
# Runs a program twice over one fresh directory.
set -eu

[ $# -eq 1 ] || { echo "usage: run_twice.sh PROGRAM" >&2; exit 2; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$1" "$scratch/data"
"$1" "$scratch/data"
