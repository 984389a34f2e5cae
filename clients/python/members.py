"""Members of one group, each in a thread, and what must be true of them together.

A member is an object with `poll()` (the rows it got: topic, partition, offset), `owned()` (topic and partition) and
`close()`; all three are called from its own thread.
"""

import threading
import traceback
from collections import Counter

from cases import eventually, same


class Running:
    """One member in its thread."""

    def __init__(self, make):
        self.owned, self.got, self.problem, self.client = [], [], None, None
        self._make, self._end = make, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            self.client = self._make()
            while not self._end.is_set():
                self.got += self.client.poll()
                self.owned = self.client.owned()
            self.client.close()
        except BaseException as problem:  # noqa: BLE001 - told to the case
            traceback.print_exc()
            self.problem = problem
        self.owned = []

    def stop(self):
        self._end.set()
        self._thread.join(20)
        if self._thread.is_alive():
            raise AssertionError("a member does not end")


class Members:
    """All members of a case, the ones that left too."""

    def __init__(self, topic):
        self.topic, self.all = topic, []

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for member in self.all:
            member._end.set()
        if kind is None:
            for member in self.all:
                member.stop()

    def start(self, make):
        member = Running(make)
        self.all.append(member)
        return member

    def stop(self, member):
        member.stop()
        if member.problem:
            raise member.problem

    def living(self):
        for member in self.all:
            if member.problem:
                raise AssertionError(f"a member failed: {type(member.problem).__name__}: {member.problem}")
        return [member for member in self.all if not member._end.is_set()]

    def balanced(self, count, seconds=20):
        """Waits until every partition has one owner and nobody has two more than another."""

        def probe():
            owned = [member.owned for member in self.living()]
            sizes = [len(parts) for parts in owned]
            return sorted(sum(owned, [])) == [(self.topic, i) for i in range(count)] and max(sizes) - min(sizes) <= 1

        eventually(probe, seconds, "one owner for each partition, evenly")

    def consumed(self, count, seconds=20):
        """Waits for so many records in all, each of which came to one member, once."""
        rows = lambda: [row for member in self.all for row in member.got]
        eventually(lambda: self.living() and len(rows()) >= count, seconds, f"{count} records")
        same([row for row, times in Counter(rows()).items() if times > 1], [], "records that came twice")
        same(len(rows()), count, "records")
