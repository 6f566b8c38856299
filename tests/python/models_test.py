"""A read model that the node serves, asked for in Python: models_test.py ENDPOINT."""

import sys

from append_request import NewEvent
from client import Client
from session import SkaldError

NOT_READY = 602


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
