"""The Python client and the program `skald` understand each other, on a node.

SKALD_SERVER names the node; check.sh has published to the stream `foreign-1` there.
"""

import dataclasses
import os
import unittest
from itertools import islice

from append_request import NO_STREAM, Expected, NewEvent
from client import Client, Producer, from_version, stream
from session import ConnectionLost, SkaldError
from worked_examples import event_id, fenced

ENDPOINT = os.environ["SKALD_SERVER"]


class Node(unittest.TestCase):
    """Each test has a client and streams of its own."""

    def setUp(self):
        self.client = Client(ENDPOINT)
        self.addCleanup(self.client.close)

    def assert_refused(self, code, call, *arguments):
        """`call` raises SkaldError of this code, which is returned."""
        with self.assertRaises(SkaldError) as refused:
            call(*arguments)
        self.assertEqual(refused.exception.code, code)
        return refused.exception

    def test_the_request_of_the_document_is_taken(self):
        self.client.publish("order-1", [NewEvent("opened") for _ in range(5)], NO_STREAM)
        prepared = self.client.prepare("order-1", [NewEvent("placeholder")])
        written = dataclasses.replace(prepared, request=fenced("protocol.md", "request"))
        self.assertEqual(self.client.append(written).version, 6)
        events = list(self.client.read(stream("order-1"), from_version(5)))
        self.assertEqual([(e.id, e.version, e.type, e.data, e.tags) for e in events],
                         [(event_id(1), 5, "placed", b'{"n":1}', ["red"]),
                          (event_id(2), 6, "paid", b"", [])])

    def test_a_flipped_bit_of_a_request_is_refused(self):
        prepared = self.client.prepare("flipped-1", [NewEvent("placed")])
        flipped = prepared.request[:-1] + bytes([prepared.request[-1] ^ 1])
        self.assert_refused(107, self.client.append,
                            dataclasses.replace(prepared, request=flipped))
        self.assert_refused(301, list, self.client.read(stream("flipped-1")))

    def test_events_of_the_program_are_read(self):
        first, second = self.client.read(stream("foreign-1"))
        self.assertEqual((first.type, first.data), ("Noted", b'{"text":"\xc3\xbc"}'))
        self.assertEqual((first.tags, first.metadata), (["a", "b"], {"by": "pub", "empty": ""}))
        self.assertEqual((first.correlation_id, first.causation_id), ("c-1", "c-0"))
        self.assertEqual(first.time, 1577836800000000)
        self.assertGreater(first.recorded_at, first.time)
        self.assertEqual((second.content_type, second.data), ("text/plain", b"plain"))

    def test_a_retry_with_the_first_session_still_there(self):
        producer = Producer()
        first_client = Client(ENDPOINT, producer)
        self.addCleanup(first_client.close)
        prepared = first_client.prepare("retried-1", [NewEvent("placed")])
        first = first_client.append(prepared)
        with Client(ENDPOINT, producer) as again:
            repeated = again.append(prepared)
            self.assertEqual(repeated, dataclasses.replace(first, repeated=True))
            self.assertEqual(again.publish("retried-1", [NewEvent("paid")]).version, 1)
        with self.assertRaises(ConnectionLost):
            first_client.publish("retried-1", [NewEvent("late")])

    def test_a_conflict_names_the_version(self):
        self.client.publish("conflict-1", [NewEvent("placed")])
        error = self.assert_refused(400, self.client.publish, "conflict-1", [NewEvent("paid")],
                                    Expected.exactly(7))
        self.assertEqual(error.conflicts, [("conflict-1", "7", 0)])

    def test_a_subscription_with_little_credit_misses_nothing(self):
        for n in range(20):
            self.client.publish("many-1", [NewEvent("counted") for _ in range(1 + n % 3)])
        wanted = [e.version for e in self.client.read(stream("many-1"), page_events=7)]
        self.assertEqual(wanted, list(range(39)))
        for events, size in ((1, 1 << 20), (4, 1 << 20), (1000, 1)):
            with self.subTest(events=events, size=size), Client(ENDPOINT) as reader:
                caught_up = reader.subscribe(stream("many-1"), events=events, size=size)
                self.assertEqual([e.version for e in caught_up.catch_up()], wanted)

    def test_a_subscription_goes_on_at_its_position(self):
        self.client.publish("resumed-1", [NewEvent("counted") for _ in range(5)])
        first = self.client.subscribe(stream("resumed-1"), events=2)
        self.assertEqual([e.version for e in islice(first, 2)], [0, 1])
        first.close()
        second = self.client.subscribe(stream("resumed-1"), start=first.position.start())
        self.assertEqual([e.version for e in islice(second, 3)], [2, 3, 4])
        self.client.publish("resumed-1", [NewEvent("late")])
        self.assertEqual(next(second).version, 5)


if __name__ == "__main__":
    unittest.main()
