"""A client of skald, written from docs/protocol.md. For one thread, one request at a time.

Every call may raise
    SkaldError      the node says no; `code` tells why
    TimeoutError    no answer came in time
    ConnectionLost  the node ended the session or is silent: go on with a new Client
    Malformed       what came breaks the protocol
    Corrupt         events that came do not match their checksum
"""

import json
import uuid
from collections import defaultdict
from dataclasses import dataclass, field

import append_request
from append_request import ANY
from envelope import fb, table
from live import LiveRows
from session import Session
from subscription import Subscription


@dataclass
class Producer:
    """Who publishes. It outlives connections: hand it to the Client that comes next."""

    id: uuid.UUID = field(default_factory=uuid.uuid4)
    epoch: int = 1
    next_sequence: dict = field(default_factory=lambda: defaultdict(int))  # by partition


@dataclass(frozen=True)
class Append:
    """An append with its sequence. However often it is sent, it is written once."""

    partition: int
    sequence: int
    request: bytes


def stream(name):
    """Selects one stream."""
    return table("Selection", kind=fb.SelectionKind.stream, name=name)


def from_version(version):
    """Starts at this version of a stream."""
    return table("Start", kind=fb.StartKind.version, value=version)


class Client:
    """A session with a node.

    `timeout`, in seconds, bounds the wait for an answer. Heartbeats are sent while a call waits:
    who calls nothing for longer than the node's expiry (5 seconds unless it says otherwise) loses
    the session, and the next call raises ConnectionLost.
    """

    def __init__(self, endpoint, producer=None, timeout=10.0):
        self.producer = producer or Producer()
        self._session = Session(endpoint, self.producer, timeout)
        self._partitions = {}  # by stream, as the node told

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends the session."""
        self._session.close()

    def publish(self, name, events, expected=ANY):
        """Appends NewEvents to the stream, all or none, and returns the Receipt."""
        return self.append(self.prepare(name, events, expected))

    def prepare(self, name, events, expected=ANY):
        """An Append to be sent by append(), as often as it takes."""
        partition = self._partition(name)
        request = append_request.encode(name, events, expected)
        sequence = self.producer.next_sequence[partition]
        self.producer.next_sequence[partition] += 1
        return Append(partition, sequence, request)

    def append(self, append):
        """Sends an Append and returns its Receipt.

        After ConnectionLost, TimeoutError and SkaldError outcome_unknown (701) it is not known
        whether it was written. The same Append, sent by a new Client of the same producer before
        any later one, tells: it returns the first receipt, or is written now.
        """
        self._session.send("Append", append.request, id=append.sequence,
                           partition=append.partition, resolvedBelow=append.sequence,
                           after=append.sequence)
        return self._session.answer((append.sequence, append.partition))

    def read(self, selection, start=None, page_events=1000):
        """Yields the Events of the log from `start` (else the beginning) to its end.

        A stream that never had an event: SkaldError stream_not_found (301).
        """
        end = False
        while not end:
            page = self._session.ask("Read", selection=selection, start=start,
                                     limit=page_events, bytes=1 << 20)
            yield from page.events
            start, end = page.next.start(), page.end

    def subscribe(self, selection, start=None, events=1000, size=1 << 20):
        """A Subscription from `start`, else from the beginning.

        `events` and `size` (bytes) are how much the node may send ahead of the reader.
        """
        return Subscription(self._session, selection, start, events, size)

    def request(self, service, payload, seconds=10.0):
        """Asks a service, and returns what it replies, as bytes.

        SkaldError not_ready (602) when nobody serves it, else what the worker or the node says.
        """
        return self._session.ask("Request", payload, service=service,
                                 deadlineMs=int(seconds * 1000))

    def query(self, model, **query):
        """The rows of a read model, as dicts. `query` has the fields of docs/read_models.md:

        client.query("work", key=["ann"]), client.query("work", order="n", descending=True)
        """
        return [json.loads(row) for row in self.ask("model/" + model, "QueryRows", query)["rows"]]

    def live(self, model, **query):
        """The same as it goes on: LiveRows (live.py), which gives all rows, then every change."""
        return LiveRows(self, model, query)

    def ask(self, service, name, data):
        """Sends a message to a bus, and returns its reply."""
        message = {"name": name, "schema_version": 1, "data": json.dumps(data)}
        return json.loads(self.request(service, json.dumps(message).encode()))

    def _partition(self, name):
        """Where a stream lives. The node knows it also of one that does not exist yet."""
        if self._session.partition_count == 1:
            return 0
        if name not in self._partitions:
            self._partitions[name] = self._session.ask("GetStream", stream=name)
        return self._partitions[name]
