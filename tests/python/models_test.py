"""A read model that the node serves, asked for in Python: models_test.py ENDPOINT."""

import sys

from append_request import NewEvent
from client import Client
from session import SkaldError

NOT_READY = 602
INVALID_ARGUMENT = 100


def count(client, who):
    client.publish("counted-1", [NewEvent("Counted", b'{"who":"%s"}' % who)])


def follow(endpoint, other):
    """A live query sees what `other` writes, over a lost connection and a query that is gone."""
    with Client(endpoint) as client:
        live = client.live("counts", order="n", descending=True)
        op, _, rows = next(live)
        assert (op, [row["n"] for _, row in rows]) == ("snapshot", [2, 1]), rows
        assert rows[0][0] == {"who": "ann"}, rows
        count(other, b"bob")
        assert next(live) == ("put", {"who": "bob"}, {"who": "bob", "n": 2})
        position = live.position
        count(other, b"eve")
    live.client = Client(endpoint)
    assert next(live) == ("put", {"who": "eve"}, {"who": "eve", "n": 1})
    assert live.position != position
    live.close()
    gone = [next(live), next(live)]
    assert gone[0] == ("resync", None, "connection_lost"), gone
    assert gone[1][0] == "snapshot" and len(gone[1][2]) == 3, gone
    live.close()
    live.client.close()
    few = other.live("counts", where=[{"name": "n", "value": {"text": "2"}}])
    assert next(few)[0] == "snapshot"
    count(other, b"bob")
    assert next(few) == ("removed", {"who": "bob"}, {"who": "bob", "n": 2})
    few.close()
    try:
        other.live("counts", order="nothing")
    except SkaldError as error:
        assert error.code == INVALID_ARGUMENT, error
    else:
        raise AssertionError("ordered by what there is not")


def main(endpoint):
    """Writes what check.sh declared a projection of, and reads its rows until they are there."""
    with Client(endpoint) as client:
        for who in ("ann", "bob", "ann"):
            client.publish("counted-1", [NewEvent("Counted", b'{"who":"%s"}' % who.encode())])
        rows = []
        while sum(row["n"] for row in rows) < 3:
            rows = client.query("counts", order="n", descending=True, limit=10)
        assert rows == [{"who": "ann", "n": 2}, {"who": "bob", "n": 1}], rows
        assert client.query("counts", key=["bob"]) == [{"who": "bob", "n": 1}]
        where = [{"name": "n", "value": {"text": "2"}}]
        assert client.query("counts", where=where) == [{"who": "ann", "n": 2}]
        follow(endpoint, client)
        names = client.request("$services", b"model/").split(b"\n")
        assert names == [b"model/counts"], names
        try:
            client.query("nothing")
        except SkaldError as error:
            assert error.code == NOT_READY, error
        else:
            raise AssertionError("a model that nobody serves gave rows")


if __name__ == "__main__":
    main(sys.argv[1])
