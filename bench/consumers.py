#!/usr/bin/env python3
"""What durable consumers cost those who do not fail, and those who publish.

    consumers.py poisoned SKALD [SECONDS, 20]
    consumers.py many SKALD [SECONDS, 5]
    consumers.py timers SKALD [TIMERS, 1000000]

SKALD is the program. Its node's data go below SKALD_BENCH_DIR, or ~/.cache/skald-bench.

poisoned: from append to handling by one per_key consumer, events of 1,000 keys at a steady rate;
of all keys while none fails, and of the others while one key's events always fail and come again
after 10 ms.

many: what four connections publish, without consumers and with 1,000, each with another filter,
which nothing matches, and a member that waits; and how many of the load's records the last of the
consumers has not looked at when the load ends: looking at them is not in the ratio.

timers: 10,000 events due within five seconds: how late a member prints them. Then so many that are
due in hours: what memory of its own the node takes for each, and how long it takes to know them
all, at first and after kill -9.

The first two five times, in turns; what is printed are medians. Figures of different runs must not
be compared: only ratios within one.
"""
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time

TURNS = 5
RATE = 1000  # events a second
KEYS = 1000
MEMBERS = 4
CONSUMERS = 1000
PROMPT = 10_000  # timers whose lateness is measured
FAR_S = 6 * 3600


class Node:
    """A node on a directory of its own, while the block lasts."""

    def __init__(self, skald):
        self.skald = skald
        cache = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
        top = os.environ.get("SKALD_BENCH_DIR", f"{cache}/skald-bench")
        os.makedirs(top, exist_ok=True)
        self.directory = tempfile.TemporaryDirectory(dir=top)
        self.endpoint = f"ipc://{self.directory.name}/n"

    def __enter__(self):
        self.start()
        return self

    def start(self):
        self.process = subprocess.Popen(
            [self.skald, "serve", "--data", f"{self.directory.name}/log", "--listen",
             self.endpoint, "--http", ""], stdout=subprocess.PIPE, text=True)
        if not self.process.stdout.readline().startswith("ready"):
            sys.exit("the node did not start")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.directory.cleanup()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def own_memory(self):
        """Bytes that no file backs."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as file:
            rows = dict(row.split(":", 1) for row in file)
        return int(rows["RssAnon"].split()[0]) * 1024

    def command(self, *words):
        return [self.skald, *words, "--server", self.endpoint, "--json"]

    def ask(self, *words):
        """The JSON documents that the program prints."""
        out = subprocess.run(self.command(*words), check=True, stdout=subprocess.PIPE,
                             text=True).stdout
        return [json.loads(line) for line in out.splitlines()]

    def figures(self, *words):
        """By metric."""
        return {line["metric"]: line for line in self.ask("bench", *words)}


class Idle:
    """Consumers with a member each that waits, while the block lasts."""

    def __init__(self, node, count):
        self.node, self.count = node, count

    def __enter__(self):
        if self.count > 0:
            self.process = subprocess.Popen(
                self.node.command("bench", "idle", "--consumers", str(self.count)),
                stdout=subprocess.PIPE, text=True)
            if json.loads(self.process.stdout.readline() or "{}").get("value") != self.count:
                sys.exit("the consumers did not start")
        return self

    def __exit__(self, *_):
        if self.count > 0:
            self.process.terminate()
            if self.process.wait() != 0:
                sys.exit("the consumers ended badly")

    def behind(self):
        """How many records the last of them has not looked at; all and their members are there."""
        consumers = self.node.ask("consumer", "ls")
        members = sum(consumer["member_count"] for consumer in consumers)
        if len(consumers) != self.count or members != self.count:
            sys.exit(f"{len(consumers)} consumers, {members} members: not {self.count} of each")
        return max((consumer["behind"] for consumer in consumers), default=0)


def print_machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [row.split(":", 1)[1].strip() for row in file if row.startswith("model name")]
    print(f"machine {os.cpu_count()} x {models[0] if models else platform.machine()}, "
          f"Linux {platform.release()}, load {os.getloadavg()[0]:.2f} before", flush=True)


def print_figure(metric, value, unit):
    print(f"skald {metric} 128 {value:.2f} {unit}")


def print_medians(turns):
    for metric, figure in turns[0].items():
        print_figure(metric, statistics.median(turn[metric]["value"] for turn in turns),
                     figure["unit"])


def print_ratio(name, before, after, wanted):
    """The median of the ratios of one turn to the other, which followed it."""
    ratio = statistics.median(b / a for a, b in zip(before, after))
    print(f"ratio  {name:<46} {ratio:.2f}  ({wanted})")


def poisoned(skald, seconds):
    """One key that fails, and the others."""
    turns = {0: [], 1: []}  # by how many keys fail
    load = ("work", "--rate", str(RATE), "--streams", str(KEYS), "--members", str(MEMBERS),
            "--seconds", str(seconds))
    with Node(skald) as node:
        node.figures(*load)  # what a log does once in its life
        for _ in range(TURNS):
            for failing, figures in turns.items():
                figures.append(node.figures(*load, "--failing", str(failing)))
    for figures in turns.values():
        print_medians(figures)
    for part in ("p50", "p99"):
        before, after = ([turn[f"work_{KEYS}keys_{failing}failing_{part}"]["value"]
                          for turn in figures] for failing, figures in turns.items())
        print_ratio(f"one key of {KEYS} fails / none, {part}", before, after, "<= 1.2")


def many(skald, seconds):
    """Consumers that wait, and those who publish."""
    load = ("pub", "--connections", "4", "--in-flight", "1024", "--streams", "1000", "--seconds",
            str(seconds))
    rates, behind = {0: [], CONSUMERS: []}, []
    with Node(skald) as node:
        node.figures(*load)  # what a log does once in its life
        for _ in range(TURNS):
            for count, figures in rates.items():
                with Idle(node, count) as idle:
                    figures.append(node.figures(*load)["publish_4x1024"]["value"])
                    behind.append(idle.behind())
    for count, figures in rates.items():
        print_figure(f"publish_4x1024_{count}consumers", statistics.median(figures), "events/s")
    print_figure(f"behind_{CONSUMERS}consumers_max", max(behind), "records")
    print_ratio(f"publish beside {CONSUMERS} consumers / none", *rates.values(), ">= 0.9")


def set_timers(node, due):
    """An event for each of these seconds since 1970."""
    load = subprocess.Popen(node.command("import", "-", "-q"), stdin=subprocess.PIPE, text=True)
    for n, at in enumerate(due):
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1e6):06d}Z"
        load.stdin.write(f'{{"stream":"t-{n % 1000}","type":"T","data":{{"due":{at:.6f}}},'
                         f'"metadata":{{"$deliver-at":"{when}"}}}}\n')
    load.stdin.close()
    if load.wait() != 0:
        sys.exit("the timers were not set")


def lateness(node):
    """How late events come, in milliseconds, from first to last."""
    member = subprocess.Popen(node.command("sub", "--group", "timers", "--count", str(PROMPT)),
                              stdout=subprocess.PIPE, text=True)
    begin = time.time() + 2
    set_timers(node, (begin + 5 * n / PROMPT for n in range(PROMPT)))
    late = [time.time() - json.loads(line)["data"]["due"] for line in member.stdout]
    if member.wait() != 0 or len(late) != PROMPT or min(late) < 0:
        sys.exit(f"{len(late)} timers of {PROMPT} came, the first {min(late)} s late")
    return sorted(1000 * seconds for seconds in late)


def know_all(node, count):
    """The seconds until the node keeps so many timers for a member."""
    begun = time.monotonic()
    member = subprocess.Popen(node.command("sub", "--group", "timers"), stdout=subprocess.DEVNULL)
    while True:
        status = node.ask("consumer", "show", "timers")[0]
        if status["waiting"] == count and status["behind"] < 1000:
            break
        time.sleep(0.05)
    seconds = time.monotonic() - begun
    member.terminate()
    member.wait()
    return seconds


def timers(skald, count):
    """Events that are due later."""
    with Node(skald) as node:
        file = f"{node.directory.name}/timers.toml"
        with open(file, "w", encoding="utf-8") as declared:
            declared.write('name = "timers"\nin_flight = 16384\n')
        node.ask("consumer", "create", file)
        late = lateness(node)
        print_figure(f"timers_{PROMPT}_late_p50", late[len(late) // 2], "ms")
        print_figure(f"timers_{PROMPT}_late_p99", late[len(late) * 99 // 100], "ms")
        begin = time.time() + FAR_S
        set_timers(node, (begin + n / 1000 for n in range(count)))
        before = node.own_memory()
        print_figure(f"timers_{count}_known", know_all(node, count), "s")
        print_figure(f"timers_{count}_memory", (node.own_memory() - before) / count, "bytes")
        node.kill()
        node.start()
        print_figure(f"timers_{count}_known_again", know_all(node, count), "s")
        print_figure(f"timers_{count}_memory_again", node.own_memory() / count, "bytes")


def main(what, skald, amount=None):
    benches = {"poisoned": (poisoned, 20), "many": (many, 5), "timers": (timers, 1_000_000)}
    if what not in benches:
        sys.exit(__doc__)
    bench, usual = benches[what]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # ends what was started
    print_machine()
    bench(skald, int(amount or usual))


if __name__ == "__main__":
    if not 3 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
