"""A publisher that streams: one request over HTTP/2 or HTTP/1.1 whose body goes on and on."""

import json

from clients import H1, H2
from settings import PUBLISHER

STREAM = "text/event-stream"


def authorized(token=PUBLISHER, **fields):
    return {"authorization": f"Bearer {token}", **{k.replace("_", "-"): v for k, v in fields.items()}}


class Stream:
    """What is common: the answer's events, and its acknowledgements."""

    @property
    def acks(self):
        return [json.loads(event.data) for event in self.events if event.type == "ack"]

    @property
    def errors(self):
        return [json.loads(event.data) for event in self.events if event.type == "error"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.__exit__()


class StreamH2(Stream):
    def __init__(self, gateway, path="/events/s", **headers):
        self.client = H2(gateway.tls)
        self.number = self.client.request(
            "POST", path, authorized(content_type=STREAM, **headers), end=False)
        self.state = self.client.streams[self.number]

    @property
    def events(self):
        return self.state.events

    @property
    def status(self):
        self.client.opened(self.number)
        return self.state.status

    @property
    def window(self):
        return self.client.h2.local_flow_control_window(self.number)

    def send_some(self, data):
        """As much as the window allows; returns the rest."""
        while data and self.window > 0:
            n = min(len(data), self.window, self.client.h2.max_outbound_frame_size)
            self.client.h2.send_data(self.number, data[:n])
            self.client.flush()
            data = data[n:]
        return data

    def send(self, data, seconds=30.0):
        while data := self.send_some(data):
            self.client.pump(lambda: self.window > 0 or self.state.over, "the window", seconds)

    def pump(self, enough, what, seconds=20.0):
        self.client.pump(enough, what, seconds)

    def finish(self, seconds=20.0):
        """Ends the body and reads the answer to its end."""
        self.client.h2.end_stream(self.number)
        self.client.flush()
        return self.ended(seconds)

    def ended(self, seconds=20.0):
        self.client.answer(self.number, seconds)
        assert self.state.reset is None
        return self


class StreamH1(Stream):
    def __init__(self, gateway, path="/events/s", **headers):
        self.client = H1(gateway.clear, timeout=20.0)
        self.client.request("POST", path, authorized(
            content_type=STREAM, transfer_encoding="chunked", **headers))
        self.answer = None

    @property
    def events(self):
        return self.client.sse.events

    @property
    def status(self):
        self.answer = self.answer or self.client.head()
        return self.answer.status

    def send(self, data, seconds=30.0):
        self.client.socket.settimeout(seconds)
        self.client.send(b"%x\r\n%s\r\n" % (len(data), data))

    def pump(self, enough, what, seconds=20.0):
        assert self.status == 200
        self.client.read_stream(enough, seconds, what)

    def finish(self, seconds=20.0):
        self.client.send(b"0\r\n\r\n")
        return self.ended(seconds)

    def ended(self, seconds=20.0):
        self.pump(lambda: self.client.ended, "the end of the answer", seconds)
        return self
