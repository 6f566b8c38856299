#!/bin/sh
# check.sh passes what works and fails what does not.
set -eu
cd "$(dirname "$0")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# expect pass|fail NAME: runs check.sh on a README read from stdin.
expect() {
    cat > "$scratch/README.md"
    got=pass
    ./check.sh "$scratch/README.md" "$scratch" > "$scratch/out" 2>&1 || got=fail
    [ "$got" = "$1" ] || { echo "check_test: $2: wanted $1, got $got"; cat "$scratch/out"; exit 1; }
}

expect pass "blocks share one shell and one directory" <<'END'
```sh run
word=kept
echo "$word" > file
```
text
```sh run
[ "$word" = kept ] && grep -q kept file
```
END

expect fail "a command fails in the middle of a block" <<'END'
```sh run
false
true
```
END

expect fail "a later block fails" <<'END'
```sh run
true
```
```sh run
cat no-such-file
```
END

expect fail "nothing to run" <<'END'
```sh
true
```
END

expect pass "blocks not marked are not run" <<'END'
```sh
false
```
```sh run
true
```
END

PID_FILE="$scratch/pid"
export PID_FILE
expect pass "a block leaves a process behind" <<'END'
```sh run
sleep 1000 > /dev/null 2>&1 &
echo $! > "$PID_FILE"
```
END
pid=$(cat "$PID_FILE")
[ ! -e "/proc/$pid" ] || grep -q '^State:.*Z' "/proc/$pid/status" || {
    echo "check_test: $pid still runs"
    exit 1
}
