"""Reads batches and slices, the events as the node stored them: docs/log_format.md."""

import struct
import uuid
from collections import namedtuple
from dataclasses import dataclass, field

from crc32c import crc32c

_MAGIC = 0x31424B53  # "SKB1"
_BATCH_HAS_CONTROL, _BATCH_IS_SLICE = 1, 8
_RECORD_IS_CONTROL, _RECORD_HAS_FIELDS, _RECORD_IS_HOLE = 1, 2, 4

# Fields by their tag; those that are not here or below are read over.
_TIME, _TAG, _METADATA = 1, 10, 11
_TEXTS = {4: "content_type", 5: "correlation_id", 6: "causation_id"}

_HEADER = struct.Struct("<IHHIIQQIIQQIIIIIIIIQ16s16s")
_Header = namedtuple(
    "_Header",
    "magic version header_bytes flags size epoch base_offset records requests high_watermark"
    " recorded_at producers names text_bytes id_halves crc table control_records holes zero"
    " chain_before chain_after")


class Corrupt(Exception):
    """Bytes that are no batch, or do not match their checksum."""


@dataclass(frozen=True)
class Event:
    """One stored event. Times are microseconds since 1970, UTC."""

    stream: str
    version: int  # place in the stream, from 0
    offset: int  # place in the partition's log
    id: uuid.UUID
    type: str
    data: bytes
    recorded_at: int
    time: int  # what the publisher said; without that recorded_at
    content_type: str = "application/json"
    correlation_id: str = ""
    causation_id: str = ""
    tags: list = field(default_factory=list)
    metadata: dict = field(default_factory=dict)


def decode(batch):
    """The events of a batch or slice, in the order of their offsets.

    Holes and control records are left out. Raises Corrupt: nothing is returned of a batch with a
    wrong checksum anywhere.
    """
    try:
        header = _read_header(batch)
        return list(_events(batch, header))
    except (struct.error, LookupError, UnicodeDecodeError) as error:
        raise Corrupt(f"a batch that cannot be decoded: {error}") from error


def _read_header(batch):
    header = _Header(*_HEADER.unpack_from(batch))
    if (header.magic, header.version, header.header_bytes) != (_MAGIC, 1, _HEADER.size):
        raise Corrupt("not a batch of version 1")
    if header.flags & ~(_BATCH_HAS_CONTROL | _BATCH_IS_SLICE):
        raise Corrupt(f"a batch with flags {header.flags:#x}, which this reader does not know")
    if header.size != len(batch) or not _HEADER.size <= header.table <= header.size:
        raise Corrupt("a batch of another size than its header says")
    if crc32c(batch[header.table:], crc32c(batch[76:128], crc32c(batch[:72]))) != header.crc:
        raise Corrupt("a batch whose header or tables do not match their checksum")
    return header


class _Tables:
    """What stands behind the records: where they are, and the names and ids they refer to."""

    def __init__(self, batch, header):
        self._batch = batch
        self._at = header.table
        is_slice = header.flags & _BATCH_IS_SLICE
        self.records = self._take("<IIQ", header.records)  # place, crc, hash
        self._take("<32s", header.requests)
        self._take("<24s", header.producers)
        names = self._take("<IHHQ", header.names)  # place, bytes, index, version
        halves = self._take("<8sH6x" if is_slice else "<8s", header.id_halves)
        self.selection = self._take("<IIQ", header.records) if is_slice else None
        text = self._take(f"<{header.text_bytes}s", 1)[0][0]
        self.names = {index: text[place:place + size].decode()
                      for place, size, index, _ in names}
        self.next_version = {index: version for _, _, index, version in names}
        self.id_halves = {half[1] if is_slice else i: half[0] for i, half in enumerate(halves)}

    def _take(self, layout, count):
        begin, self._at = self._at, self._at + struct.calcsize(layout) * count
        if self._at > len(self._batch):
            raise struct.error("a table ends behind the batch")
        return list(struct.iter_unpack(layout, self._batch[begin:self._at]))


def _events(batch, header):
    tables = _Tables(batch, header)
    ends = [place for place, _, _ in tables.records[1:]] + [header.table]
    for i, (place, crc, _) in enumerate(tables.records):
        record = batch[place:ends[i]]
        if crc32c(record) != crc:
            raise Corrupt(f"record {i} of a batch does not match its checksum")
        stream, type_, half, flags, id_end = struct.unpack_from("<HHHH8s", record)
        if flags & _RECORD_IS_CONTROL:
            continue
        if tables.selection:
            index, _, version = tables.selection[i]
        else:
            index, version = i, tables.next_version[stream]
            tables.next_version[stream] += 1
        if flags & _RECORD_IS_HOLE:
            continue
        fields, data = _contents(record, flags)
        fields.setdefault("time", header.recorded_at)
        yield Event(tables.names[stream], version, header.base_offset + index,
                    uuid.UUID(bytes=tables.id_halves[half] + id_end), tables.names[type_],
                    data, header.recorded_at, **fields)


def _contents(record, flags):
    """(the record's fields as arguments of Event, its data)."""
    fields_bytes = struct.unpack_from("<I", record, 16)[0] if flags & _RECORD_HAS_FIELDS else 0
    data = record[16 + fields_bytes:len(record) - (flags >> 13)]
    fields, tags, metadata = {}, [], {}
    at = 20
    while at + 4 <= 16 + fields_bytes:
        tag, size = struct.unpack_from("<HH", record, at)
        value = record[at + 4:at + 4 + size]
        at += 4 + size
        if tag == _TIME:
            fields["time"] = struct.unpack("<q", value)[0]
        elif tag in _TEXTS:
            fields[_TEXTS[tag]] = value.decode()
        elif tag == _TAG:
            tags.append(value.decode())
        elif tag == _METADATA:
            key_end = 1 + value[0]
            metadata[value[1:key_end].decode()] = value[key_end:].decode()
    return {**fields, "tags": tags, "metadata": metadata}, data
