"""An event stream read as the HTML standard says (§9.2.6), and what a page never sees of it."""

from dataclasses import dataclass


@dataclass
class Event:
    id: str
    type: str
    data: str


class SseParser:
    """Bytes in, events out. Also notes what a page never sees: comments, and where they stood."""

    def __init__(self):
        self.raw = b""
        self.events = []
        self.comments = 0
        self.comments_inside_events = 0
        self.retry = None
        self.last_id = ""
        self._rest = b""
        self._fields = {}
        self._open = False  # lines of an event were read, and its blank line was not

    def feed(self, data):
        self.raw += data
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._line(line.rstrip(b"\r").decode())

    def _line(self, line):
        if not line:
            self._dispatch()
            return
        name, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if not name:
            self.comments += 1
            self.comments_inside_events += self._open
        elif name == "retry":
            if value.isascii() and value.isdigit():
                self.retry = int(value)
        else:
            self._open = True
            self._fields.setdefault(name, []).append(value)

    def _dispatch(self):
        fields, self._fields, self._open = self._fields, {}, False
        if "id" in fields and "\0" not in fields["id"][-1]:
            self.last_id = fields["id"][-1]
        if "data" in fields:
            kind = fields.get("event", [""])[-1] or "message"
            self.events.append(Event(self.last_id, kind, "\n".join(fields["data"])))

    @property
    def ended_at_boundary(self):
        return not self._rest and not self._open
