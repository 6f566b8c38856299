"""A connection and its session: Hello, heartbeats, and which answer belongs to which request."""

import itertools
import time
from collections import deque
from dataclasses import dataclass

import zmq

import batch
from envelope import Malformed, Position, decode, encode, table, verified

_FIRST_PLAIN_ID = 1 << 63  # ids below it are the sequences of a producer
_SERVICES = 4  # feature bit


class SkaldError(Exception):
    """An error of the node; `code` is a number of docs/errors.md."""

    def __init__(self, code, text, conflicts=()):
        super().__init__(f"{text} ({code})")
        self.code = code
        self.conflicts = list(conflicts)  # of (stream, expected, actual)


class ConnectionLost(Exception):
    """The session is over: the node said Goodbye, or nothing for longer than it allows."""


@dataclass(frozen=True)
class Receipt:
    """What an append is answered with: it is on the disk, and its last event is here."""

    offset: int
    version: int
    events: int
    repeated: bool  # written by an earlier try; this says what the first receipt said


@dataclass(frozen=True)
class Page:
    """Some events, where to read on, and whether there was nothing more."""

    events: list
    next: Position
    end: bool


class Session:
    """Sends requests and waits for answers. For one thread; Client says what it raises."""

    def __init__(self, endpoint, producer, timeout):
        self._timeout = timeout
        self._ids = itertools.count(_FIRST_PLAIN_ID)
        self._wanted = self._answer = None  # a request, and its answer once that came
        self._inboxes = {}  # by subscription: (kind, position, events, bytes, error)
        self._heartbeat, self._expiry = timeout, timeout  # seconds; Welcome says the real ones
        self._said = self._heard = time.monotonic()
        self._socket = zmq.Context.instance().socket(zmq.DEALER)
        self._socket.set(zmq.LINGER, 0)
        self._socket.set(zmq.RCVHWM, 0)
        self._socket.set(zmq.RECONNECT_IVL, -1)  # a lost connection stays lost
        self._socket.connect(endpoint)
        try:
            self.partition_count = self._hello(producer)
        except BaseException:
            self._socket.close()
            raise

    def _hello(self, producer):
        self.send("Hello", protocolMin=1, protocolMax=1, features=_SERVICES,
                  client="examples/python",
                  producer=table("Id", bytes=producer.id.bytes), producerEpoch=producer.epoch)
        return self.answer("Welcome")

    def close(self):
        """Says Bye. The socket goes once that is sent, or after a second."""
        if not self._socket.closed:
            self.send("Bye")
            self._socket.close(linger=1000)

    def send(self, kind, *frames, **fields):
        """Sends one message, its body by the names of protocol.fbs."""
        self._socket.send_multipart([encode(table(kind, **fields)), *frames])
        self._said = time.monotonic()

    def ask(self, kind, *frames, **fields):
        """Sends a request under a new id and returns its answer."""
        request = next(self._ids)
        self.send(kind, *frames, id=request, **fields)
        return self.answer(request)

    def answer(self, request):
        """The answer to a request: its id, and for a sequence (sequence, partition).

        TimeoutError when it does not come in time; one that comes later is discarded.
        """
        self._wanted, self._answer = request, None
        deadline = time.monotonic() + self._timeout
        while self._answer is None:
            if time.monotonic() >= deadline:
                raise TimeoutError("no answer came in time")
            self.pump(deadline)
        if isinstance(self._answer, SkaldError):
            raise self._answer
        return self._answer

    def open_inbox(self):
        """(id of a new subscription, the deque that its messages will be put in)."""
        subscription = next(self._ids)
        return subscription, self._inboxes.setdefault(subscription, deque())

    def close_inbox(self, subscription):
        """Discards what still comes for a subscription."""
        self._inboxes.pop(subscription, None)

    def pump(self, deadline=float("inf")):
        """Takes one message, or keeps the session alive; waits up to a heartbeat or `deadline`."""
        wait = min(deadline, self._said + self._heartbeat) - time.monotonic()
        if self._socket.poll(max(0, wait) * 1000):
            self._heard = time.monotonic()
            self._take(self._socket.recv_multipart())
        elif time.monotonic() - self._heard > self._expiry:
            raise ConnectionLost("the node is silent")
        if time.monotonic() - self._said >= self._heartbeat:
            self.send("Heartbeat")

    def _take(self, frames):
        with verified():
            kind, body = decode(frames[0])
            handler = getattr(self, "_on_" + kind.lower(), None)
            if handler:
                handler(body, frames[1:])
            elif kind in ("Deliver", "Checkpoint", "CaughtUp", "FellBehind", "Ended"):
                self._deliver(kind, body, frames[1:])

    def _settle(self, request, answer):
        if request == self._wanted:
            self._answer = answer

    def _on_welcome(self, welcome, _):
        self._heartbeat = welcome.HeartbeatMs() / 1000
        self._expiry = welcome.ExpiryMs() / 1000
        self._settle("Welcome", welcome.PartitionCount())

    def _on_goodbye(self, goodbye, _):
        error = _error(goodbye.Error())
        raise ConnectionLost(f"the node ended the session: {error}") from error

    def _on_rejected(self, rejected, _):
        request = rejected.Id()
        if request < _FIRST_PLAIN_ID:
            request = (request, rejected.Partition())
        self._settle(request, _error(rejected.Error()))

    def _on_receipts(self, receipts, _):
        for i in range(receipts.RangesLength()):
            self._on_receipt_range(receipts.Ranges(i))

    def _on_receipt_range(self, many):
        """One range answers many requests alike; only one of them can be ours."""
        sequence, partition = self._wanted if isinstance(self._wanted, tuple) else (-1, 0)
        i = sequence - many.FirstId()
        if partition == many.Partition() and 0 <= i < many.Count():
            version = many.Version() + i * many.VersionStep()
            if not many.VersionsIsNone():
                version = many.Versions(i)
            offset = many.Offset() + i * many.OffsetStep()
            self._settle(self._wanted,
                         Receipt(offset, version, many.Records(), many.Repeated()))

    def _on_streamanswer(self, answer, _):
        self._settle(answer.Id(), answer.Stream().Partition())

    def _on_page(self, page, frames):
        self._settle(page.Id(), Page(_events(page, frames), Position(page.Next()), page.End()))

    def _on_reply(self, reply, frames):
        self._settle(reply.Id(), frames[0] if frames else b"")

    def _on_subscribed(self, subscribed, _):
        self._settle(subscribed.Id(), Position(subscribed.Position()))

    def _deliver(self, kind, body, frames):
        events = _events(body, frames) if kind == "Deliver" else []
        position = Position(body.Position())
        error = _error(body.Error()) if kind == "Ended" else None
        if body.Subscription() in self._inboxes:
            self._inboxes[body.Subscription()].append(
                (kind, position, events, sum(map(len, frames)), error))


def _error(fault):
    conflicts = (fault.Conflicts(i) for i in range(fault.ConflictsLength()))
    return SkaldError(fault.Code(), fault.Message().decode(),
                      [(c.Stream().decode(), c.Expected().decode(), c.Actual())
                       for c in conflicts])


def _events(body, frames):
    """The events of a Page or Deliver: one frame a chunk."""
    if body.ChunksLength() != len(frames):
        raise Malformed("not one frame for each chunk")
    events = []
    for i, frame in enumerate(frames):
        chunk = batch.decode(frame)
        if len(chunk) != body.Chunks(i).Events():
            raise Malformed("a chunk does not hold the events it announces")
        events += chunk
    return events
