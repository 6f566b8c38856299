#!/usr/bin/env python3
"""The read models of examples/permits under kill -9 and promotion; every row is recounted.

    permits.py SKALD SOURCE_DIR CYCLES SEED

Events are those of the file $SKALD_PERMITS, several times over under other names.

1. CYCLES times: some read models are deleted, a node is started on the directory and killed with
   SIGKILL while it projects; then examples/permits/check.py compares every row with its own count.
2. A second version is built and promoted while events arrive and queries run: none may fail, and
   none may see rows of both versions.
"""
import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

COPIES = 6  # of 1,434 cases: as many rows as one query gives
MODELS = ["open_cases", "throughput", "work", "activities", "cases"]
MARK = 1_000_000  # what each event counts in the second version of `work`


def enlarged(source, target):
    """The events as many times as COPIES says, each time of other cases."""
    with (gzip.open if source.endswith(".gz") else open)(source, "rt") as lines:
        events = [json.loads(line) for line in lines]
    with open(target, "w", encoding="utf-8") as out:
        for copy in range(COPIES):
            for event in events:
                case = event["stream"].split("-", 1)[1]
                event = dict(event, stream=f"permit-{copy}x{case}")
                event.pop("id", None)
                print(json.dumps(event), file=out)
    return COPIES * len(events)


class Permits:
    """A data directory with the five projections, and the program to use it with."""

    def __init__(self, skald, source, directory):
        self.skald, self.permits = skald, os.path.join(source, "examples/permits")
        self.data = os.path.join(directory, "data")
        self.events = os.path.join(directory, "events.ndjson")

    def run(self, *words, **options):
        """What the program prints; CalledProcessError when it fails."""
        return subprocess.run([self.skald, *words], check=True, capture_output=True, text=True,
                              **options).stdout

    def declare(self):
        """Imports the events and creates the projections."""
        self.run("import", "-q", self.events, "--data", self.data)
        for model in MODELS:
            self.run("projection", "create", f"{self.permits}/{model}.toml", "--data", self.data)

    def check(self):
        """Whether every row is as the independent count has it."""
        done = subprocess.run([f"{self.permits}/check.py", self.events, self.skald, self.data],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(done.stdout, done.stderr, sep="\n")
        return done.returncode == 0

    def start(self):
        """A node on the directory: the process, and its endpoint."""
        node = subprocess.Popen([self.skald, "serve", "--data", self.data, "--http", "",
                                 "--listen", "tcp://127.0.0.1:*"],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        ready = node.stdout.readline()
        return node, ready.split("listen=")[1].split()[0]

    def progress(self, endpoint):
        """How far the last model is from the end of the log, and whether all are complete."""
        lines = self.run("projection", "ls", "--json", "--server", endpoint).splitlines()
        versions = [version for info in map(json.loads, lines) for version in info["versions"]]
        return (max(version["lag"] for version in versions),
                all(version["complete"] and version["lag"] == 0 for version in versions))


def kill_cycles(permits, cycles, chance, events):
    """Kills a node that has any number of events left to project.

    Returns how many cycles ended with wrong rows, and in how many a model was not complete then.
    """
    wrong = 0
    midway = 0
    for cycle in range(cycles):
        for model in chance.sample(MODELS, chance.randint(1, len(MODELS))):
            shutil.rmtree(f"{permits.data}/projections/{model}/model", ignore_errors=True)
        node, endpoint = permits.start()
        most = chance.randint(0, events)
        while True:
            left, complete = permits.progress(endpoint)
            if complete or left <= most:
                break
        midway += not complete
        node.send_signal(signal.SIGKILL)
        node.wait()
        wrong += not permits.check()
        print(f"\rkilled {cycle + 1} of {cycles}, {midway} midway", end="", file=sys.stderr)
    print(file=sys.stderr)
    return wrong, midway


def promote_under_load(permits, directory):
    """How many queries there were, how many failed or saw both versions."""
    node, endpoint = permits.start()
    with open(f"{permits.permits}/work.toml", encoding="utf-8") as source:
        text = source.read()
    changed = text.replace("events = 1 }", f"events = {MARK} }}")
    assert changed != text
    with open(f"{directory}/work.toml", "w", encoding="utf-8") as target:
        target.write(changed)
    queries, broken, promoted = [], [], threading.Event()

    def query():
        later = 0
        while later < 20:  # and some after the promotion
            done = subprocess.run([permits.skald, "query", "work", "--limit", "10000", "--json",
                                   "--server", endpoint], capture_output=True, text=True,
                                  check=False)
            counts = [json.loads(row)["events"] for row in done.stdout.splitlines()]
            second = [count >= MARK for count in counts]
            queries.append(bool(second) and all(second))
            if done.returncode != 0 or (any(second) and not all(second)):
                broken.append(done.stderr)
            later += promoted.is_set()

    def arrive():
        while not promoted.is_set():
            permits.run("pub", f"permit-{random.randrange(10**9)}", "--type", "T02", "--server",
                        endpoint, "--data", json.dumps({"org_resource": "Somebody"}))

    threads = [threading.Thread(target=query), threading.Thread(target=arrive)]
    for thread in threads:
        thread.start()
    permits.run("projection", "create", f"{directory}/work.toml", "--server", endpoint)
    permits.run("projection", "promote", "work", "--server", endpoint)
    promoted.set()
    for thread in threads:
        thread.join()
    node.terminate()
    node.wait()
    if not queries[-1] or queries[0]:
        broken.append("the versions did not follow one another")
    for reason in broken[:5]:
        print(reason, file=sys.stderr)
    return len(queries), len(broken)


def main(skald, source, cycles, seed):
    """Both parts; the exit status."""
    chance = random.Random(int(seed))
    with tempfile.TemporaryDirectory() as directory:
        permits = Permits(skald, source, directory)
        events = enlarged(os.environ["SKALD_PERMITS"], permits.events)
        permits.declare()
        wrong, midway = kill_cycles(permits, int(cycles), chance, events)
        queries, broken = promote_under_load(permits, directory)
    print(f"permits: events={events} kills={cycles} midway={midway} wrong={wrong} "
          f"queries={queries} broken={broken}")
    return 1 if wrong or broken else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:5]))
