"""bench/origin: the application behind relays, on the load generator's core."""
import contextlib
import dataclasses
import http.client
import urllib.parse

from harness.process import Process

LIMIT = 5  # seconds until it answers


@dataclasses.dataclass
class Origin:
    """The application, ready."""
    url: str  # http
    pids: list

    def counts(self):
        """How many streams it was asked for, and over how many connections."""
        lines = self.ask("/origin/counts").splitlines()
        counts = dict(line.split() for line in lines if not line.startswith("stream "))
        return {name: int(counts[name]) for name in ("requests", "connections")}

    def ask(self, path):
        address = urllib.parse.urlsplit(self.url).netloc
        with contextlib.closing(http.client.HTTPConnection(address, timeout=LIMIT)) as connection:
            connection.request("GET", path)
            return connection.getresponse().read().decode()


@contextlib.contextmanager
def running_origin(args, folder):
    with Process([args.build / "bench" / "origin"], folder, core=1) as process:
        _, url = process.ready_urls()
        yield Origin(url, process.pids)
