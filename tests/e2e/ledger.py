"""Which events were published and with what outcome, who got which, and whether that is what was
promised. Several readers, several publishers, one order for all.

An event is *due* when it was acknowledged, or when anybody got it: then it is in history, and every
reader of its topic must get it. The gateway's ids are EPOCH-POSITION: positions must rise for each
reader, and an event must have one id, whoever tells it.
"""

from collections import Counter
from dataclasses import dataclass, field

OPEN, KEPT, REFUSED, UNKNOWN = "open", "acknowledged", "refused", "unknown"


@dataclass
class Entry:
    """One event."""

    topic: str
    state: str = OPEN
    id: str = ""            # as the publisher was told, or a reader
    may_be_kept: bool = False  # an attempt of which nobody said what became of it


@dataclass
class Record:
    """What one reader got."""

    topics: tuple
    numbers: set = field(default_factory=set)
    position: int = 0
    gaps: list = field(default_factory=list)


class Ledger:
    def __init__(self):
        self.entries = []   # by the number of the event, which is its data
        self.records = []   # of readers
        self.epoch = None
        self.faults = []

    # -- publishers

    def begin(self, topic):
        """The number of a new event."""
        self.entries.append(Entry(topic))
        return len(self.entries) - 1

    def attempt_is_lost(self, number):
        self.entries[number].may_be_kept = True

    def acknowledge(self, number, id):
        self.entries[number].state = KEPT
        self._place(number, id, "a publisher")

    def give_up(self, number):
        """It is not published again."""
        entry = self.entries[number]
        entry.state = UNKNOWN if entry.may_be_kept else REFUSED

    # -- readers

    def reader(self, topics):
        self.records.append(Record(tuple(topics)))
        return self.records[-1]

    def receive(self, record, number, id):
        entry = self.entries[number]
        if number in record.numbers:
            self.faults.append(f"event {number} ({id}) came twice")
        if entry.topic not in record.topics:
            self.faults.append(f"a reader of {record.topics} got {number} of {entry.topic}")
        position = self._place(number, id, "a reader")
        if position <= record.position:
            self.faults.append(f"event {number} ({id}) came behind position {record.position}")
        record.numbers.add(number)
        record.position = position

    def receive_gap(self, record, id, data):
        record.gaps.append((id, data))

    def _place(self, number, id, who):
        """The position that the id says, which is the one that it always had."""
        entry = self.entries[number]
        if entry.id not in ("", id):
            self.faults.append(f"event {number} is {id} to {who}, and was {entry.id}")
        entry.id = entry.id or id
        epoch, _, position = id.rpartition("-")
        self.epoch = self.epoch or epoch
        if epoch != self.epoch or not position.isdigit():
            self.faults.append(f"{id} is no id of the history {self.epoch}")
        return int(position) if position.isdigit() else 0

    # -- the judgement

    def counts(self):
        states = Counter(entry.state for entry in self.entries)
        unknown_kept = sum(entry.state == UNKNOWN and bool(entry.id) for entry in self.entries)
        return {**states, "unknown and kept": unknown_kept, "readers": len(self.records),
                "received": sum(len(record.numbers) for record in self.records)}

    def judge(self):
        """All that went wrong."""
        due = {}
        for number, entry in enumerate(self.entries):
            if entry.state == OPEN:
                self.faults.append(f"event {number} has no outcome")
            if entry.state == REFUSED and entry.id:
                self.faults.append(f"event {number} was refused, and is {entry.id}")
            if entry.id:
                due.setdefault(entry.topic, set()).add(number)
        for record in self.records:
            wanted = set().union(*(due.get(topic, set()) for topic in record.topics))
            if missing := sorted(wanted - record.numbers):
                self.faults.append(f"a reader of {record.topics} misses {len(missing)} events: "
                                   f"{[(n, self.entries[n].id) for n in missing[:5]]}")
            if record.gaps:
                self.faults.append(f"a reader of {record.topics} was told of gaps: {record.gaps}")
        return self.faults

    def assert_all_is_kept(self):
        faults = self.judge()
        print(self.counts())
        assert not faults, f"{len(faults)} faults: {faults[:10]}"
