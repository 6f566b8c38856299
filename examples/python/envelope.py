"""The first frame of a message, one FlatBuffers buffer: docs/protocol.md, section 3.

Needs protocol_generated.py on the path, which flatc makes of wire/protocol.fbs (README.md).
"""

import struct
from contextlib import contextmanager

import flatbuffers
import protocol_generated as fb

_IDENTIFIER = b"SKP1"
_BYTES_MAX = 1 << 20
_UNREADABLE = (struct.error, IndexError, TypeError, AttributeError, UnicodeDecodeError)
_KINDS = {number: name for name, number in vars(fb.Body).items() if isinstance(number, int)}


class Malformed(Exception):
    """A message that cannot be decoded."""


def table(kind, /, **fields):
    """A table to be sent, by its name in protocol.fbs: table("Start", kind=2, value=7)."""
    made = getattr(fb, kind + "T")()
    for name, value in fields.items():
        if not hasattr(made, name):
            raise AttributeError(f"{kind} has no field {name}")
        setattr(made, name, value)
    return made


def encode(body):
    """The frame of a message with this body, a table made by table()."""
    kind = type(body).__name__.removesuffix("T")
    builder = flatbuffers.Builder(256)
    root = table("Envelope", bodyType=getattr(fb.Body, kind), body=body).Pack(builder)
    builder.Finish(root, file_identifier=_IDENTIFIER)
    return bytes(builder.Output())


def decode(frame):
    """(kind, body): the body's name in protocol.fbs, and flatc's accessor for it.

    To be called, and the accessor used, inside `verified()`.
    """
    if len(frame) > _BYTES_MAX or not fb.Envelope.EnvelopeBufferHasIdentifier(frame, 0):
        raise Malformed("a frame that is no envelope")
    envelope = fb.Envelope.GetRootAs(frame)
    kind, union = _KINDS.get(envelope.BodyType()), envelope.Body()
    if kind in (None, "NONE") or union is None:
        raise Malformed("an envelope without a body that this client knows")
    body = getattr(fb, kind)()
    body.Init(union.Bytes, union.Pos)
    return kind, body


@contextmanager
def verified():
    """Turns what flatbuffers raises for a buffer that points outside itself into Malformed.

    Python's flatbuffers has no verifier; but every access is checked, and no table of the schema
    holds one of its own kind, so that no buffer can make a reader run in circles.
    """
    try:
        yield
    except _UNREADABLE as error:
        raise Malformed(f"an envelope that does not verify: {error}") from error


class Position:
    """A place in the log: of each partition the offset that comes next."""

    def __init__(self, accessor):
        """From a Position that was received."""
        self._cluster = bytes(accessor.Cluster().Bytes())
        self._partitions = {}
        for i in range(accessor.PartitionsLength()):
            place = accessor.Partitions(i)
            self._partitions[place.Partition()] = table(
                "PartitionPosition", partition=place.Partition(), epoch=place.Epoch(),
                lineage=table("Id", bytes=bytes(place.Lineage(fb.Id()).Bytes())),
                next=place.Next(), digest=place.Digest())

    def merge(self, moved):
        """Takes over the partitions that `moved` lists; None lists none."""
        if moved:
            self._partitions.update(moved._partitions)

    def start(self):
        """The Start of a Read or Subscribe that goes on from here."""
        position = table("Position", cluster=table("Id", bytes=self._cluster),
                         partitions=list(self._partitions.values()))
        return table("Start", kind=fb.StartKind.position, position=position)
