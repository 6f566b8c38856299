"""The tour of the client: publish, retry, conflict, read, subscribe. Ends with 0 when all holds.

    tour.py ENDPOINT [STREAM]
"""

import json
import sys
import uuid
from itertools import islice

from append_request import NO_STREAM, Expected, NewEvent
from client import Client, Producer, from_version, stream
from session import SkaldError

WRONG_EXPECTED_VERSION = 400


def event(type_, **data):
    """A NewEvent with JSON data."""
    return NewEvent(type_, json.dumps(data).encode(), tags=("tour",), metadata={"by": "python"})


def show(what, stored):
    """A line about an Event."""
    print(f"{what} {stored.stream} {stored.version} {stored.type} {stored.data.decode()}")


def publish(endpoint, producer, name):
    """Three events in one append; then the answer counts as lost, and is asked for again."""
    with Client(endpoint, producer) as client:
        order = client.prepare(name, [event("OrderPlaced", total=42), event("OrderPaid"),
                                      event("OrderPacked", boxes=2)], NO_STREAM)
        first = client.append(order)
    print(f"published up to version {first.version} at offset {first.offset}")
    with Client(endpoint, producer) as client:
        again = client.append(order)
    assert again.repeated and not first.repeated, again
    assert (again.offset, again.version) == (first.offset, first.version), again
    print(f"repeated: still version {again.version} at offset {again.offset}")


def conflict(client, name):
    """A decision made on version 0 is refused; what it did not know of is read."""
    try:
        client.publish(name, [event("OrderCancelled")], Expected.exactly(0))
    except SkaldError as error:
        assert error.code == WRONG_EXPECTED_VERSION, error
        for where, expected, actual in error.conflicts:
            print(f"conflict: {where} is at version {actual}, not {expected}")
        for stored in client.read(stream(name), from_version(1)):
            show("missed", stored)
    else:
        raise AssertionError("an append on a stale version was written")


def follow(endpoint, client, name):
    """Catches up, publishes while live, and goes on behind a position in a new session.

    With credit for two events at a time the node waits for the reader again and again.
    """
    with Client(endpoint) as reader:
        orders = reader.subscribe(stream(name), events=2)
        for stored in orders.catch_up():
            show("caught up with", stored)
        for number in range(3):
            client.publish(name, [event("OrderSent", box=number)])
        for stored in islice(orders, 3):
            show("live", stored)
        position = orders.position
    client.publish(name, [event("OrderClosed")])
    with Client(endpoint) as reader:
        orders = reader.subscribe(stream(name), start=position.start())
        show("resumed with", next(orders))
        orders.close()


def main(endpoint, name):
    """The whole tour, on a stream that must not exist yet."""
    producer = Producer()
    publish(endpoint, producer, name)
    with Client(endpoint, producer) as client:
        conflict(client, name)
        for stored in client.read(stream(name), page_events=2):
            show("read", stored)
        follow(endpoint, client, name)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2] if len(sys.argv) == 3 else f"order-{uuid.uuid4()}")
