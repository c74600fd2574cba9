"""Processes that are measured, and what they need: a core of their own, a certificate."""
import os
import select
import subprocess

START_LIMIT = 20  # seconds until a server is ready
STOP_LIMIT = 10  # and until it has ended


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


class Process:
    """One server process: started by `with`, ended by its pid."""

    def __init__(self, command, folder, core=0):
        self.command = pinned(core, command)
        self.name = str(command[0])
        self.folder = folder

    def __enter__(self):
        self.errors = open(self.folder / "stderr", "w+b")
        self.process = subprocess.Popen(
            self.command, cwd=self.folder, stdout=subprocess.PIPE, stderr=self.errors,
            env={**os.environ, "STATE_DIRECTORY": str(self.folder)})
        return self

    @property
    def pid(self):
        return self.process.pid

    def ready_urls(self):
        """The addresses in the line `ready https://… http://…` that our own servers print."""
        readable, _, _ = select.select([self.process.stdout], [], [], START_LIMIT)
        line = self.process.stdout.readline().decode() if readable else ""
        if not line.startswith("ready "):
            raise Failure(f"{self.name} did not become ready: {line!r}\n{self.said()}")
        return line.split()[1:]

    def said(self):
        self.errors.seek(0)
        return self.errors.read()[-4000:].decode(errors="replace")

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.errors.close()
