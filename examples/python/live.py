"""Live queries of read models, written from docs/read_models.md, "Live queries over a node"."""

import json

from session import SkaldError

_NOT_READY = 602
_OUTCOME_UNKNOWN = 701
_SAY_NOTHING = (600, 700, _OUTCOME_UNKNOWN)  # busy, timed_out: poll again


class LiveRows:
    """Follows a query: iterating gives (op, key, row), as dicts, for ever.

    ("snapshot", None, [(key, row), ...]) is all rows; then ("put", key, row) and ("removed", key,
    row) change them. ("resync", None, why) voids what was told: a snapshot follows. The end is a
    SkaldError. `position` is what the rows reflect once all of a commit was given.

    After SkaldError not_ready (602), when nobody serves the model for now, iterate on later. After
    ConnectionLost give `client` a new one and iterate on: nothing is lost unless that took longer
    than the query is kept, and then a resync says so.
    """

    def __init__(self, client, model, query):
        self.client = client
        self.position = None
        self._model = model
        self._query = query
        self._service = None
        self._received = 0
        self._parts = []  # that came
        self._told = []  # events of one that were not given yet, last first
        self._rows = []  # of a snapshot, as far as it came
        self._follows = False
        self._open()

    def close(self):
        """Ends the query where it is served."""
        try:
            self.client.ask(self._service, "CloseLive", {})
        except SkaldError as error:
            if error.code not in (_NOT_READY, _OUTCOME_UNKNOWN):  # which say that it is gone
                raise

    def __iter__(self):
        return self

    def __next__(self):
        while not self._told:
            if self._parts:
                self._told = list(self._events(self._parts.pop(0)))[::-1]
            else:
                self._parts = self._poll()
        return self._told.pop()

    def _open(self):
        reply = self.client.ask("model/" + self._model, "OpenLive", {"query": self._query})
        self._service, self._received, self._rows = reply["service"], 0, []

    def _poll(self):
        """The parts of the next answer; none when there is nothing to tell for now."""
        try:
            answer = self.client.ask(self._service, "PollLive",
                                     {"received": self._received, "wait_ms": 2000})
        except SkaldError as error:
            if error.code == _NOT_READY:
                return self._begin_anew()
            if error.code in _SAY_NOTHING:
                return []
            raise
        self._received = answer["number"]
        return answer["parts"]

    def _begin_anew(self):
        self._open()
        return [{"kind": "resync", "why": "connection_lost"}] if self._follows else []

    def _events(self, part):
        """What a part tells, as this gives it."""
        if part["kind"] == "ended":
            raise SkaldError(part["error"], part["message"])
        if part["kind"] == "resync":
            self._follows, self._rows = False, []
            yield "resync", None, part["why"]
            return
        rows = [(row["op"], json.loads(row["key"]), json.loads(row["row"]))
                for row in part["rows"]]
        if part["kind"] == "snapshot":
            self._rows += [(key, row) for _, key, row in rows]
            if not part["more"]:
                yield "snapshot", None, self._rows
                self._follows, self._rows = True, []
        else:
            yield from rows
        if not part["more"]:
            self.position = part["position"]
