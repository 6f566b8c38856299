#!/bin/sh
# Compiles a file that must fail, and must compile once the missing part is there (-DWHOLE).
#
#     must_not_compile.sh COMPILER SOURCE_DIR FILE WORDS_OF_THE_ERROR
set -eu

[ $# -eq 4 ] || { echo "usage: must_not_compile.sh COMPILER SOURCE_DIR FILE WORDS" >&2; exit 2; }

compile() { "$@" -std=c++20 -fsyntax-only 2>&1; }

compile "$1" -DWHOLE -I "$2/include" "$3" || { echo "$3: must compile with -DWHOLE"; exit 1; }
if said=$(compile "$1" -I "$2/include" "$3"); then
    echo "$3: compiles"
    exit 1
fi
# Some compilers write the types with their namespaces.
if ! echo "$said" | sed 's/(anonymous namespace):://g' | grep -F "$4"; then
    echo "$said"
    echo "$3: the error does not say $4"
    exit 1
fi
