"""The gateway as an outsider sees it: start the binary, speak to its ports, read its metrics.

Everything waits for a condition with a deadline; nothing sleeps to be right.
"""

import contextlib
import ctypes
import http.client
import os
import pathlib
import random
import re
import selectors
import shutil
import signal
import socket
import ssl
import subprocess
import time
import urllib.parse

from settings import PUBLISHER, toml

START_TIMEOUT = 30.0
STOP_TIMEOUT = 30.0
SANITIZER_REPORT = re.compile(
    r"ERROR: (Address|Leak|Memory)Sanitizer|WARNING: ThreadSanitizer|runtime error:"
)


# -- waiting -----------------------------------------------------------------------------------


class Deadline:
    """A moment after which waiting fails, with what it was waited for."""

    def __init__(self, seconds, what):
        self.end = time.monotonic() + seconds
        self.what = what
        self.seconds = seconds

    def left(self):
        left = self.end - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"not within {self.seconds} s: {self.what}")
        return left


def wait_until(predicate, what, seconds=5.0):
    """Asks `predicate` again and again until it is true; its last value is returned."""
    deadline = Deadline(seconds, what)
    while not (value := predicate()):
        deadline.left()
        time.sleep(0.01)
    return value


def free_port():
    """One that stays free while nobody listens: no client is given it as its own."""
    low = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for _ in range(100):
        port = random.randrange(low // 2, low)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError("no free port")


# -- the process -------------------------------------------------------------------------------


def binary(variable="SLUICE_BINARY"):
    path = os.environ.get(variable)
    assert path, f"set {variable} to the path of the sluice program that is to be tested"
    assert os.access(path, os.X_OK), f"{variable}={path} is not an executable file"
    return os.path.abspath(path)


def environment():
    """Of the program: a sanitizer ends it at the first report, and keeps little freed memory."""
    wanted = {
        "ASAN_OPTIONS": "detect_leaks=1:quarantine_size_mb=8:malloc_context_size=8",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
        "TSAN_OPTIONS": "halt_on_error=1",
    }
    merged = {name: f"{os.environ.get(name, '')}:{options}" for name, options in wanted.items()}
    return {**os.environ, **merged}


class Gateway:
    """One `sluice serve`, with a folder of its own. Use it as a context: leaving stops it."""

    def __init__(self, directory, settings, program=None):
        self.directory = pathlib.Path(directory)
        self.program = program or binary()
        self.file = self.directory / "sluice.toml"
        self.settings = settings
        self.process = None
        self.stopped_with = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        if self.process and self.stopped_with is None:
            self.stop(check=kind is None)

    def start(self):
        is_text = isinstance(self.settings, str)
        self.file.write_text(self.settings if is_text else toml(self.settings))
        self.stopped_with = None
        with open(self.directory / "stderr.txt", "ab") as errors:
            self.process = subprocess.Popen(
                [self.program, "serve", "--config", str(self.file)],
                stdout=subprocess.PIPE, stderr=errors, cwd=self.directory, env=environment())
        try:
            self.read_ready_line()
        except BaseException:
            self.kill()
            raise

    def read_ready_line(self):
        deadline = Deadline(START_TIMEOUT, "the ready line")
        line = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if selector.select(deadline.left()):
                    chunk = os.read(self.process.stdout.fileno(), 4096)
                    assert chunk, f"sluice serve ended at once:\n{self.stderr()}"
                    line += chunk
        words = line.decode().split()
        assert words[0] == "ready", f"not a ready line: {line!r}"
        urls = [urllib.parse.urlsplit(word) for word in words[1:] if "://" in word]
        assert words[-2] == "admin", f"no admin listener in {line!r}"
        self.ready_line = line.decode()
        self.ports = [url.port for url in urls]
        self.admin = self.ports[-1]
        tls = [url.port for url in urls[:-1] if url.scheme == "https"]
        clear = [url.port for url in urls[:-1] if url.scheme == "http"]
        self.tls = tls[0] if tls else None
        self.clear = clear[0] if clear else None

    def stderr(self):
        path = self.directory / "stderr.txt"
        return path.read_text(errors="replace") if path.exists() else ""

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def wait(self, seconds=STOP_TIMEOUT):
        try:
            self.stopped_with = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the gateway did not end within {seconds} s of SIGTERM") from None
        finally:
            self.process.stdout.close()
        return self.stopped_with

    def stop(self, check=True):
        """SIGTERM, wait for the end, and hold it to a clean end."""
        if self.process.poll() is None:
            self.terminate()
        status = self.wait()
        if check:
            self.assert_no_report()
            assert status == 0, f"the gateway ended with status {status}:\n{self.stderr()[-4000:]}"

    def assert_no_report(self):
        report = SANITIZER_REPORT.search(self.stderr())
        assert not report, f"sanitizer report:\n{self.stderr()[-8000:]}"

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.stopped_with = self.process.wait(STOP_TIMEOUT)

    def upgrade(self):
        """SIGUSR2: waits until the new process serves, which is `self.process` from then on, and
        returns the old one, which drains."""
        adopt_orphans()
        self.process.send_signal(signal.SIGUSR2)
        return self.wait_for_successor()

    def wait_for_successor(self):
        """The same where it upgrades itself; call adopt_orphans() before."""
        old = self.process
        self.process = Successor(old.stdout)
        self.read_ready_line()
        started = re.findall(r"upgrade: process (\d+) is started", self.stderr())
        self.process.pid = int(started[-1])
        return old

    def rss(self, name="VmRSS"):
        """Resident bytes of the process; "RssAnon": without mapped files."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"no {name}")

    # -- what back ends do

    def publisher(self, token=PUBLISHER):
        return Publisher(self.clear, token)

    def publish(self, topic, data, **fields):
        """Publishes one event and returns its id."""
        with self.publisher() as publisher:
            return publisher.publish(topic, data, **fields)

    # -- what operators do

    def get_admin(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def post_admin(self, path, headers=()):
        connection = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=10)
        with contextlib.closing(connection):
            connection.request("POST", path, headers=dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def rewrite(self, **sections):
        """Changes keys in its file; [[tables]] are replaced."""
        for name, values in sections.items():
            if isinstance(values, dict):
                self.settings.setdefault(name, {}).update(values)
            else:
                self.settings[name] = values
        self.file.write_text(toml(self.settings))

    def metrics(self):
        status, text = self.get_admin("/metrics")
        assert status == 200, text
        return Metrics(text)

    def metric(self, name, **labels):
        return self.metrics().get(name, **labels)


def adopt_orphans():
    """A process whose parent ends becomes ours, so that it can be waited for."""
    PR_SET_CHILD_SUBREAPER = 36
    assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


class Successor:
    """A process that another one has started, and which is ours when that one has ended; as far as
    needed like subprocess.Popen."""

    def __init__(self, stdout):
        self.stdout = stdout
        self.pid = None
        self.returncode = None

    def poll(self):
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                return None  # Its parent still runs.
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, seconds):
        deadline = Deadline(seconds, f"the end of process {self.pid}")
        while self.poll() is None:
            try:
                deadline.left()
            except TimeoutError:
                raise subprocess.TimeoutExpired("sluice", seconds) from None
            time.sleep(0.01)
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)


class Publisher:
    """A back end with one kept-alive HTTP/1.1 connection."""

    def __init__(self, port, token):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self.headers = {"authorization": f"Bearer {token}"} if token else {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def post(self, path, body, content_type):
        headers = {**self.headers, "content-type": content_type}
        self.connection.request("POST", path, body, headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read().decode()

    def form(self, fields):
        """POSTs the Mercure form; `fields` is a list of pairs. Returns status and text."""
        body = urllib.parse.urlencode(fields)
        return self.post("/.well-known/mercure", body, "application/x-www-form-urlencoded")

    def publish(self, topic, data, **fields):
        topics = [topic] if isinstance(topic, str) else topic
        pairs = [("topic", t) for t in topics] + [("data", data), *fields.items()]
        status, text = self.form(pairs)
        assert status == 200, f"publish answered {status}: {text}"
        return text.strip()


class Metrics:
    """The Prometheus text of /metrics, parsed."""

    LINE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$")
    LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

    def __init__(self, text):
        self.text = text
        self.samples = []
        for line in text.splitlines():
            if line and not line.startswith("#"):
                found = self.LINE.match(line)
                assert found, f"not a sample: {line!r}"
                labels = dict(self.LABEL.findall(found[2] or ""))
                self.samples.append((found[1], labels, float(found[3])))

    def get(self, name, **labels):
        """The sum of the samples with that name and those labels."""
        hits = [value for sample, has, value in self.samples
                if sample == name and labels.items() <= has.items()]
        assert hits, f"no metric {name} {labels} in:\n{self.text}"
        return sum(hits)


# -- the command line --------------------------------------------------------------------------


def run(*arguments, program=None, input=None, env=None, timeout=30, cwd=None):
    """Runs one `sluice` command to its end."""
    return subprocess.run([program or binary(), *map(str, arguments)], input=input, text=True,
                          capture_output=True, timeout=timeout, cwd=cwd,
                          env={**environment(), **(env or {})})


def tool(name):
    path = shutil.which(name)
    assert path, f"{name} is not installed"
    return path


def tls_context(alpn=("h2",)):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(list(alpn))
    return context
