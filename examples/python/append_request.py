"""Builds append requests: docs/protocol.md, section 6; records as in docs/log_format.md."""

import struct
import uuid
from dataclasses import dataclass, field

from crc32c import crc32c

_HEADER = struct.Struct("<IHHIIHHHHIIQQIHHQ")
_CRC_AT = 12
_MAGIC = 0x31524B53  # "SKR1"
_NO_FENCE = 0xFFFF
_RECORD_HAS_FIELDS = 2
_TAG, _METADATA = 10, 11


@dataclass(frozen=True)
class NewEvent:
    """An event to be published: at most 1 MiB of data, 60 KiB of tags and metadata."""

    type: str
    data: bytes = b"{}"  # JSON
    tags: tuple = ()
    metadata: dict = field(default_factory=dict)
    id: uuid.UUID = field(default_factory=uuid.uuid4)


@dataclass(frozen=True)
class Expected:
    """What the stream must be, else nothing is written and the answer is an error of 400."""

    kind: int
    version: int = 0

    @classmethod
    def exactly(cls, version):
        """The last event of the stream has this version."""
        return cls(3, version)


ANY = Expected(0)
NO_STREAM = Expected(1)
STREAM_EXISTS = Expected(2)


def encode(stream, events, expected=ANY):
    """The request that appends `events` to one stream: 1 to 4,096 of them, at most 4 MiB."""
    names, halves = _Numbers([stream.encode()]), _Numbers()
    records = [_record(event, names, halves) for event in events]
    section = struct.pack("<HBxIQ", 0, expected.kind, len(records), expected.version)
    text, ends = b"", b""
    for name in names:
        text += name
        ends += struct.pack("<I", len(text))

    head = section + _padded(ends) + b"".join(halves)
    at = _HEADER.size + len(head) + len(_padded(bytes(4 * len(records)))) + len(_padded(text))
    places = b""
    for record in records:
        places += struct.pack("<I", at)
        at += len(record)
    parts = head + _padded(places) + _padded(text) + b"".join(records)
    header = _HEADER.pack(_MAGIC, 1, 0, at, 0, 1, 0, len(names), len(halves), len(records),
                          len(text), 0, 0, 0, _NO_FENCE, 0, 0)
    return _with_crc(header + parts)


class _Numbers(dict):
    """Numbers things in the order in which they first come."""

    def __init__(self, first=()):
        super().__init__()
        for thing in first:
            self.of(thing)

    def of(self, thing):
        """The number of `thing`."""
        return self.setdefault(thing, len(self))


def _record(event, names, halves):
    """One event; its stream is name 0."""
    fields = b"".join(_field(_TAG, tag.encode()) for tag in event.tags)
    for key, value in event.metadata.items():
        key = key.encode()
        fields += _field(_METADATA, bytes([len(key)]) + key + value.encode())
    if fields:
        fields = _padded(bytes(4) + fields)
        fields = struct.pack("<I", len(fields)) + fields[4:]
    padding = -len(event.data) % 8
    flags = padding << 13 | (_RECORD_HAS_FIELDS if fields else 0)
    prefix = struct.pack("<HHHH8s", 0, names.of(event.type.encode()),
                         halves.of(event.id.bytes[:8]), flags, event.id.bytes[8:])
    return prefix + fields + event.data + bytes(padding)


def _field(tag, value):
    return struct.pack("<HH", tag, len(value)) + value


def _padded(data):
    return data + bytes(-len(data) % 8)


def _with_crc(request):
    crc = crc32c(request[_CRC_AT + 4:], crc32c(request[:_CRC_AT]))
    return request[:_CRC_AT] + struct.pack("<I", crc) + request[_CRC_AT + 4:]
