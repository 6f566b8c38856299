"""A subscription: what is in the log, then what comes, as fast as the reader takes it."""

from collections import deque


class Subscription:
    """Iterates over Events without end; Client.subscribe makes it.

    `live` is true between the node's CaughtUp and its FellBehind. Waiting for an event has no
    timeout. Raises what Client does, and SkaldError when the node ends the subscription.
    """

    def __init__(self, session, selection, start, events, size):
        self.live = False
        self._session = session
        self._id, self._inbox = session.open_inbox()
        self._window = (events, size)
        self._granted = (events, size)  # totals since the beginning; so is _used
        self._used = (0, 0)
        session.send("Subscribe", id=self._id, selection=selection, start=start,
                     creditEvents=events, creditBytes=size)
        self._position = session.answer(self._id)
        self._events = deque()  # not handed out yet
        self._behind_events = None  # the position behind them

    def __iter__(self):
        return self

    def __next__(self):
        while not self._events:
            self._step()
        return self._events.popleft()

    def catch_up(self):
        """Yields Events until all that existed has been handed out."""
        while self._events or not self.live:
            if self._events:
                yield self._events.popleft()
            else:
                self._step()

    @property
    def position(self):
        """Where another subscription goes on: behind what was handed out.

        Events come in groups, and a position lies between groups: in the middle of one it is the
        group's beginning, and its events will come again.
        """
        if not self._events:
            self._position.merge(self._behind_events)
            self._behind_events = None
        return self._position

    def close(self):
        """Ends the subscription; what is on its way is discarded."""
        self._session.send("Unsubscribe", subscription=self._id)
        self._session.close_inbox(self._id)

    def _step(self):
        """Takes the subscription's next message; there are no events to be handed out."""
        while not self._inbox:
            self._session.pump()
        kind, position, events, size, error = self._inbox.popleft()
        self.position.merge(position if not events else None)
        if events:
            self._events.extend(events)
            self._behind_events = position
            self._give_back(len(events), size)
        elif kind == "CaughtUp":
            self.live = True
        elif kind == "FellBehind":
            self.live = False
        elif kind == "Ended":
            self._session.close_inbox(self._id)
            raise error

    def _give_back(self, events, size):
        """Counts what was used, and raises the totals once half of a window is used up."""
        self._used = (self._used[0] + events, self._used[1] + size)
        left = [granted - used for granted, used in zip(self._granted, self._used)]
        if any(rest * 2 <= window for rest, window in zip(left, self._window)):
            self._granted = tuple(used + window
                                  for used, window in zip(self._used, self._window))
            self._session.send("Credit", subscription=self._id, events=self._granted[0],
                               bytes=self._granted[1])
