"""The Python client reads and makes the worked examples of the documents, byte for byte.

Needs examples/python and flatc's protocol_generated on PYTHONPATH; check.sh sees to that.
"""

import unittest

import append_request
import batch
import envelope
from append_request import Expected, NewEvent
from crc32c import crc32c
from worked_examples import envelopes, event_id, fenced


def flips(data):
    """`data` with one bit of each byte in turn flipped."""
    for i in range(len(data)):
        yield data[:i] + bytes([data[i] ^ 1 << i % 8]) + data[i + 1:]


class Documents(unittest.TestCase):
    """Each test is one worked example."""

    def test_crc32c(self):
        self.assertEqual(crc32c(b"123456789"), 0xE3069283)
        self.assertEqual(crc32c(b"6789", crc32c(b"12345")), 0xE3069283)

    def test_batch(self):
        events = batch.decode(fenced("log_format.md", "batch"))
        self.assertEqual([(e.stream, e.version, e.offset, e.type, e.data, e.tags) for e in events],
                         [("order-1", 5, 1000, "placed", b'{"n":1}', ["red"]),
                          ("order-1", 6, 1001, "paid", b"", []),
                          ("order-2", 0, 1002, "placed", b'{"n":2}', [])])
        self.assertEqual([e.id for e in events], [event_id(1), event_id(2), event_id(3)])
        self.assertEqual({e.recorded_at for e in events}, {1767225600000000})

    def test_slice(self):
        whole = batch.decode(fenced("log_format.md", "batch"))
        self.assertEqual(batch.decode(fenced("log_format.md", "slice")), whole[2:])

    def test_hole(self):
        whole = batch.decode(fenced("log_format.md", "batch"))
        self.assertEqual(batch.decode(fenced("log_format.md", "hole")), whole[1:])

    def test_flipped_bits_of_a_batch_are_found(self):
        for name in ("batch", "slice", "hole"):
            for flipped in flips(fenced("log_format.md", name)):
                with self.assertRaises(batch.Corrupt):
                    batch.decode(flipped)

    def test_request(self):
        events = [NewEvent("placed", b'{"n":1}', ("red",), id=event_id(1)),
                  NewEvent("paid", b"", id=event_id(2))]
        made = append_request.encode("order-1", events, Expected.exactly(4))
        self.assertEqual(made.hex(" ", 8), fenced("protocol.md", "request").hex(" ", 8))

    def test_envelopes(self):
        kinds, (hello, receipts, heartbeat, fetch, dropped) = zip(*map(envelope.decode,
                                                                       envelopes()))
        self.assertEqual(kinds, ("Hello", "Receipts", "Heartbeat", "FetchLog", "Dropped"))
        self.assertEqual(hello.Client(), b"demo")
        self.assertEqual(bytes(hello.Producer().Bytes()), bytes(range(16)))
        many = receipts.Ranges(0)
        self.assertEqual((many.FirstId(), many.Count(), many.Offset(), many.OffsetStep(),
                          many.Version(), many.Digest()), (7, 3, 100, 1, 4, 0x01020304))
        self.assertEqual(heartbeat.Number(), 2)
        self.assertEqual((fetch.Id(), fetch.Partition(), fetch.From_(), fetch.End(), fetch.Bytes()),
                         (2**63 + 5, 1, 100, 200, 2**20))
        self.assertEqual((dropped.Subscription(), dropped.Events()), ((1 << 63) + 2, 5))

    def test_ephemeral_event(self):
        event, = batch.decode(fenced("protocol.md", "ephemeral event"))
        self.assertEqual((event.stream, event.type, event.data, event.id, event.recorded_at),
                         ("chat-1", "typing", b'{"n":1}', event_id(1), 1767225600000000))

    def test_flipped_bits_of_an_envelope_are_malformed_or_decode(self):
        for frame in envelopes():
            for flipped in flips(frame):
                try:
                    with envelope.verified():
                        envelope.decode(flipped)
                except envelope.Malformed:
                    pass


if __name__ == "__main__":
    unittest.main()
