#!/bin/sh
# Installs a build into a scratch prefix and uses it as strangers would: through find_package,
# through pkg-config, and by building every example that is a project of its own.
#
#     tests/install/check.sh BUILD_DIR
set -eu

[ $# -eq 1 ] || { echo "usage: check.sh BUILD_DIR" >&2; exit 2; }
build=$(realpath "$1")
top=$(realpath "$(dirname "$0")/../..")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
prefix=$scratch/prefix

say() { echo "--- $*"; }

# build_against NAME SOURCE_DIR [CMAKE ARGUMENTS]
build_against() {
    name=$1
    source=$2
    shift 2
    say "building $name against the installed package"
    cmake -S "$source" -B "$scratch/build/$name" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" "$@" \
        > "$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
    cmake --build "$scratch/build/$name"
}

# expect_version PROGRAM
expect_version() {
    got=$("$1")
    [ "$got" = "$version" ] || { echo "$1 says $got, the package $version"; exit 1; }
}

say "installing"
cmake --install "$build" --prefix "$prefix" > "$scratch/log"
sed "s|$prefix/||" "$scratch/log"
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name skald.pc)")
export PKG_CONFIG_PATH
version=$(pkg-config --modversion skald)

build_against user "$top/tests/install" -DWANTED_VERSION="$version"
expect_version "$scratch/build/user/user"

say "building with pkg-config"
# shellcheck disable=SC2046 # flags are words
c++ -std=c++20 "$top/tests/install/user.cc" -o "$scratch/user" $(pkg-config --cflags --libs skald)
expect_version "$scratch/user"

say "each public header compiles alone"
find "$prefix/include/skald" -name '*.h' | sort | while read -r header; do
    # shellcheck disable=SC2046
    c++ -std=c++20 -fsyntax-only -x c++ -include "$header" /dev/null $(pkg-config --cflags skald)
done

for lists in "$top"/examples/*/CMakeLists.txt; do
    [ -f "$lists" ] || continue
    example=$(dirname "$lists")
    build_against "$(basename "$example")" "$example"
done
say "the installed package works"
