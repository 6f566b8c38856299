#!/usr/bin/env python3
"""Processes that want one lock, and holders that are paused for too long.

    locks.py SKALD CONTENDERS PAUSES

CONTENDERS processes of `skald lock run` wait for one lock at a time. Each appends an event under
the lock's fence while it alone is in a directory. Then PAUSES times a holder is stopped beyond its
lease, another holds the lock and appends, and the first goes on and appends as well. It is wrong

1. when two are in the directory together;
2. when an append of one that was not paused is refused, or an event is missing or doubled;
3. when the tokens of the log do not rise;
4. when the append of one that was paused is accepted.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

TTL_S = 12

# $1: the directory, $2: what to append as.
CONTEND = """
mkdir "$1/held" 2>>"$1/wrong"
"$SKALD" pub work --type Held --data "{\\"token\\": $SKALD_LOCK_TOKEN}" \\
    --fence "$SKALD_LOCK_FENCE" >>"$1/receipts" 2>>"$1/wrong"
rmdir "$1/held" 2>>"$1/wrong"
"""

# Says when it has the lock, and goes on when it is told to, whatever it is told to end. `held`,
# `go` and `status` are pipes.
LINGER = """
trap '' TERM
echo >"$1/held"
read -r go <"$1/go"
"$SKALD" pub work --type Late --data "{\\"token\\": $SKALD_LOCK_TOKEN}" \\
    --fence "$SKALD_LOCK_FENCE" >/dev/null 2>>"$1/late"
echo $? >"$1/status"
"""


def start_node(skald, directory):
    endpoint = f"ipc://{directory}/node"
    node = subprocess.Popen([skald, "serve", "--data", f"{directory}/data", "--listen", endpoint],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if not node.stdout.readline().startswith(b"ready"):
        sys.exit("locks: the node does not start")
    return node, endpoint


def lock_run(skald, script, directory, ttl, wait):
    return subprocess.Popen(
        [skald, "lock", "run", "one", "--ttl", f"{ttl}s", "--wait", f"{wait}s", "--", "sh", "-c",
         script, "sh", str(directory)], start_new_session=True)


def contend(skald, directory, contenders):
    """What went wrong, and how many events there are then."""
    running = [lock_run(skald, CONTEND, directory, 60, 3600) for _ in range(contenders)]
    wrong = sum(process.wait() != 0 for process in running)
    text = (directory / "wrong").read_text()
    if text:
        print(text, file=sys.stderr)
    return wrong + len(text.splitlines())


def pause(skald, directory):
    """Whether a holder that was paused for too long could append."""
    directory.mkdir()
    for pipe in ("held", "go", "status"):
        os.mkfifo(directory / pipe)
    paused = lock_run(skald, LINGER, directory, TTL_S, 60)
    (directory / "held").read_text()
    os.killpg(paused.pid, signal.SIGSTOP)
    (directory / "next").mkdir()
    (directory / "next" / "wrong").touch()
    if contend(skald, directory / "next", 1) != 0:
        return True
    os.killpg(paused.pid, signal.SIGCONT)
    (directory / "go").write_text("\n")
    status = (directory / "status").read_text()
    paused.wait()
    return status != "4\n"


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    skald = os.path.realpath(sys.argv[1])
    contenders, pauses = int(sys.argv[2]), int(sys.argv[3])
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        node, endpoint = start_node(skald, directory)
        os.environ.update(SKALD=skald, SKALD_SERVER=endpoint)
        try:
            began = time.monotonic()
            (directory / "wrong").touch()
            wrong = contend(skald, directory, contenders)
            took = time.monotonic() - began
            late = sum(pause(skald, directory / f"pause-{i}") for i in range(pauses))
            out = subprocess.run([skald, "read", "work", "--json"], stdout=subprocess.PIPE,
                                 check=True).stdout
        finally:
            node.terminate()
            node.wait()
        events = [json.loads(line) for line in out.splitlines()]
        tokens = [event["data"]["token"] for event in events]
        wrong += len(events) != contenders + pauses
        wrong += any(a >= b for a, b in zip(tokens, tokens[1:]))
        print(f"locks: contenders={contenders} seconds={took:.0f} pauses={pauses} "
              f"events={len(events)} late={late} wrong={wrong}")
        return 1 if wrong or late else 0


if __name__ == "__main__":
    sys.exit(main())
