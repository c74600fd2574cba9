"""Processes that are measured, and what they need: a core of their own, a certificate."""
import contextlib
import os
import pathlib
import select
import signal
import socket
import subprocess
import time

START_LIMIT = 20  # seconds until a server is ready
STOP_LIMIT = 10  # and until it has ended
PAUSE = 0.02  # between two looks at what somebody else does


class Failure(Exception):
    """One line for the user: the benchmark cannot run."""


def pinned(core, command):
    if os.cpu_count() < 2:
        return [str(word) for word in command]
    return ["taskset", "-c", str(core), *[str(word) for word in command]]


def make_certificate(folder):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "30", "-subj", "/CN=localhost", "-keyout", folder / "key.pem",
         "-out", folder / "cert.pem",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, capture_output=True)


def free_ports(count):
    """Ports that nobody has now, for servers that cannot take port 0 and say what they got."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def family_of(pid):
    """The process and all that descend from it, oldest first."""
    children = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            # PID (NAME) STATE PARENT …, and a name may hold anything.
            parent = stat.read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue  # It has ended since.
        children.setdefault(int(parent), []).append(int(stat.parent.name))
    family = [pid]
    for member in family:
        family += sorted(children.get(member, []))
    return family


def begin_of(pid):
    """When the process began, which with its id names it for good; None when it has ended."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


class Process:
    """A server, with all its processes: started by `with`, ended by their ids."""

    def __init__(self, command, folder, core=0, is_announcing=True):
        """`is_announcing`: it prints a line `ready URL…`, which ready_urls() waits for."""
        self.command = pinned(core, command)
        self.name = pathlib.Path(str(command[0])).name
        self.folder = folder
        self.is_announcing = is_announcing

    def __enter__(self):
        self.errors = open(self.folder / f"{self.name}.log", "w+b")
        self.process = subprocess.Popen(
            self.command, cwd=self.folder, stdin=subprocess.DEVNULL, stderr=self.errors,
            stdout=subprocess.PIPE if self.is_announcing else self.errors,
            env={**os.environ, "STATE_DIRECTORY": str(self.folder)})
        return self

    @property
    def pids(self):
        return family_of(self.process.pid)

    def has_ended(self):
        return self.process.poll() is not None

    def ready_urls(self):
        """The addresses in the line `ready https://… http://…`: TLS, then clear text; empty where
        there is none."""
        readable, _, _ = select.select([self.process.stdout], [], [], START_LIMIT)
        line = self.process.stdout.readline().decode() if readable else ""
        if not line.startswith("ready "):
            raise Failure(f"{self.name} did not become ready: {line!r}\n{self.said()}")
        urls = line.split()[1:]
        return (next((url for url in urls if url.startswith("https://")), ""),
                next((url for url in urls if url.startswith("http://")), ""))

    def said(self):
        self.errors.seek(0)
        return self.errors.read()[-4000:].decode(errors="replace")

    def __exit__(self, *_):
        family = [(pid, begin_of(pid)) for pid in self.pids]
        self.process.terminate()
        try:
            self.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        finally:
            end_orphans(family)
        if self.process.stdout:
            self.process.stdout.close()
        self.errors.close()


def end_orphans(family):
    """Ends what a server left behind; `family` holds ids and begins of its processes."""
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + STOP_LIMIT
        for pid in still_there(family):
            # It may end by itself meanwhile.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal_number)
        while still_there(family) and time.monotonic() < deadline:
            time.sleep(PAUSE)


def still_there(family):
    return [pid for pid, begin in family if begin and begin_of(pid) == begin]
