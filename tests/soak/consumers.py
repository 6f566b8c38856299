#!/usr/bin/env python3
"""A durable consumer whose members and node are killed while it works; what they printed counts.

    consumers.py SKALD MODE SECONDS NODE_KILLS SEED

Eight members acknowledge what they print. At random one is killed and started again, or stopped
beyond its lease; the node is killed NODE_KILLS times, spread over SECONDS, while events are
published. Then, of each event that was acknowledged to its publisher:

1. some member printed it;
2. what was printed twice was printed, the one time or the other, by a member that was killed or
   stopped, or the node was killed in between, or shortly before, when members still had events of
   its life before;
3. unless MODE is shared, of each stream no event was printed for the first time before an
   earlier one;
4. the consumer says that as many events are done as there are.
"""
import json
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time

MEMBERS = 8
STREAMS = 100
LEASE_S = 2.0
NOTICE_S = 6.0  # until a member knows that its node is another one


class Prints:
    """What members printed, in the order of the reads that brought it."""

    def __init__(self):
        self.by_event = {}  # (stream, version): [(read, time, member number)]
        self.pipes = {}
        self.rests = {}
        self.read = 0
        self.errors = []  # that members ended with

    def add(self, member):
        self.pipes[member.out.fileno()] = member
        self.rests[member.out.fileno()] = b""

    def take(self, seconds):
        """Reads what is there. What one member did because of another may be read before that, but
        by one read at most: by the next what was printed earlier has been read."""
        ready, _, _ = select.select(list(self.pipes), [], [], seconds)
        self.read += 1
        for pipe in ready:
            data = os.read(pipe, 1 << 20)
            if not data:
                self.pipes.pop(pipe)
                continue
            lines = (self.rests[pipe] + data).split(b"\n")
            self.rests[pipe] = lines.pop()
            for line in lines:
                event = json.loads(line)
                if "error" in event:
                    # Of one that began while the node was down: it had nothing.
                    if event["error"] != "unreachable":
                        self.errors.append(event)
                    continue
                self.by_event.setdefault((event["stream"], event["version"]), []).append(
                    (self.read, time.monotonic(), self.pipes[pipe].number))
        return bool(ready)


class Member:
    """A process that joined the consumer."""

    def __init__(self, skald, endpoint, number):
        self.number, self.hurt = number, False
        self.process = subprocess.Popen(
            [skald, "sub", "--group", "work", "--json", "--server", endpoint, "--lease",
             f"{int(LEASE_S * 1000)}ms"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.out = self.process.stdout


class Node:
    """A node on a directory, always at the same endpoint."""

    def __init__(self, skald, directory):
        self.skald, self.directory = skald, directory
        self.endpoint = f"ipc://{directory}/node"
        self.kills = []
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [self.skald, "serve", "--data", f"{self.directory}/data", "--http", "", "--listen",
             self.endpoint], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout.readline().startswith("ready")

    def kill(self):
        self.kills.append(time.monotonic())
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.start()

    def ask(self, *words):
        return subprocess.run([self.skald, *words, "--server", self.endpoint], check=True,
                              capture_output=True, text=True).stdout


class Load:
    """Publishes until it is told to stop; then knows what was acknowledged."""

    def __init__(self, node):
        self.process = subprocess.Popen(
            [node.skald, "import", "-", "--receipts", "--json", "-q", "--server", node.endpoint,
             "--timeout", "60s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        self.stop, self.sent, self.receipts = threading.Event(), 0, []
        self.threads = [threading.Thread(target=self.write), threading.Thread(target=self.read)]
        for thread in self.threads:
            thread.start()

    def write(self):
        while not self.stop.wait(0.01):
            for _ in range(20):
                self.sent += 1
                event = {"stream": f"s-{self.sent % STREAMS}", "type": "T",
                         "data": {"n": self.sent}}
                self.process.stdin.write(json.dumps(event) + "\n")
            self.process.stdin.flush()
        self.process.stdin.close()

    def read(self):
        for line in self.process.stdout:
            receipt = json.loads(line)
            self.receipts.append((receipt["stream"], receipt["version"]))

    def finish(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()
        status = self.process.wait()
        if status != 0:
            print(self.process.stderr.read(), file=sys.stderr)
        return status == 0


def hurt_somebody(members, stopped, chance, prints, start):
    """Kills a member and starts another, or stops one for longer than its lease."""
    member = chance.choice([m for m in members if m not in stopped])
    member.hurt = True
    if chance.random() < 0.3 and len(stopped) < 3:
        member.process.send_signal(signal.SIGSTOP)
        stopped[member] = time.monotonic() + LEASE_S * (1 + chance.random())
        return
    member.process.send_signal(signal.SIGKILL)
    place = members.index(member)
    members[place] = start()
    prints.add(members[place])


def work(node, load, seconds, kills, chance, prints):
    """Until the time is over: all that is killed and stopped."""
    def start():
        start.count += 1
        return Member(node.skald, node.endpoint, start.count)
    start.count = 0
    members = [start() for _ in range(MEMBERS)]
    for member in members:
        prints.add(member)
    stopped = {}
    begun = time.monotonic()
    node_at = sorted(begun + chance.random() * seconds for _ in range(kills))
    next_hurt = begun
    while time.monotonic() < begun + seconds:
        prints.take(0.05)
        now = time.monotonic()
        for member in [m for m, until in stopped.items() if until <= now]:
            stopped.pop(member)
            member.process.send_signal(signal.SIGCONT)
        if node_at and node_at[0] <= now:
            node_at.pop(0)
            node.kill()
        if now >= next_hurt:
            next_hurt = now + chance.random()
            hurt_somebody(members, stopped, chance, prints, start)
    for member in stopped:
        member.process.send_signal(signal.SIGCONT)
    ok = load.finish()
    return members, ok


def await_done(node, count, prints):
    """The consumer's status once it has done so many, or is late."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        prints.take(0.05)
        status = json.loads(node.ask("consumer", "show", "work", "--json"))
        if status["done"] >= count:
            break
    while prints.take(0.2):
        pass
    return status


def check(prints, receipts, node, hurt, ordered):
    """Everything that is wrong, in words."""
    wrong = [f"a member ended: {error}" for error in prints.errors]
    for event in receipts:
        if event not in prints.by_event:
            wrong.append(f"{event} was never printed")
    for event, times in prints.by_event.items():
        # A member that was stopped may print what it had before another that got it meanwhile, or
        # behind it.
        for (_, first, number), (_, second, other) in zip(times, times[1:]):
            node_died = any(first - NOTICE_S < kill < second for kill in node.kills)
            if not hurt & {number, other} and not node_died:
                wrong.append(f"{event} was given again though nobody died")
    if ordered:
        streams = {}
        for (stream, version), times in prints.by_event.items():
            streams.setdefault(stream, []).append((version, times[0][0]))
        for stream, firsts in streams.items():
            firsts.sort()
            for (early, read), (late, later) in zip(firsts, firsts[1:]):
                if later + 1 < read:
                    wrong.append(f"{stream}: {late} was printed before {early}")
    return wrong


def main(skald, mode, seconds, kills, seed):
    """The exit status."""
    chance = random.Random(int(seed))
    with tempfile.TemporaryDirectory() as directory:
        node = Node(skald, directory)
        with open(f"{directory}/work.toml", "w", encoding="utf-8") as file:
            file.write(f'name = "work"\nmode = "{mode}"\nmax_deliveries = 0\n'
                       '[backoff]\nfirst = "100ms"\nmost = "1s"\n')
        node.ask("consumer", "create", f"{directory}/work.toml")
        prints = Prints()
        load = Load(node)
        members, ok = work(node, load, float(seconds), int(kills), chance, prints)
        status = await_done(node, len(load.receipts), prints)
        hurt = {m.number for m in prints.pipes.values() if m.hurt}
        hurt |= set(range(1, max(m.number for m in members) + 1)) - {m.number for m in members}
        wrong = check(prints, load.receipts, node, hurt, mode != "shared")
        if not ok or load.sent != len(load.receipts):
            wrong.append(f"{load.sent} published, {len(load.receipts)} acknowledged")
        if status["done"] != len(load.receipts) or status["parked"] != 0:
            wrong.append(f"{len(load.receipts)} events, and {json.dumps(status)}")
        for member in members:
            member.process.kill()
        node.process.kill()
    again = sum(len(times) - 1 for times in prints.by_event.values())
    for words in wrong[:10]:
        print(words, file=sys.stderr)
    print(f"consumers: mode={mode} events={len(load.receipts)} node_kills={len(node.kills)} "
          f"members_hurt={len(hurt)} given_again={again} wrong={len(wrong)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:6]))
