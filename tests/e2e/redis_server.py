"""A real redis-server of the test's own, which can be hurt; and what instances that share it are
started with.

    def test_something(redis, start):
        a, b = (start(history=shared(redis.url)) for _ in range(2))
"""

import pathlib
import signal
import subprocess

import pytest

from balancers import program
from harness import free_port, wait_until

DURABLE = ("--appendonly", "yes", "--appendfsync", "always")
PATIENCE = 10  # seconds, for one answer


class Redis:
    """Use it as a context: leaving ends it. What it writes is in `folder`, where `start()` finds it
    again."""

    def __init__(self, folder, *options, port=None):
        self.folder, self.options = pathlib.Path(folder), options
        self.port = port or free_port()
        self.password = None
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"

    def start(self):
        self.folder.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [program("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
             "--dir", str(self.folder), "--logfile", str(self.folder / "redis.log"), *self.options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_until(self._serves, f"redis-server on port {self.port}", 20)

    def _serves(self):
        assert self.process.poll() is None, f"it ended at once:\n{self.log()}"
        return self._cli("PING").stdout.strip() == "PONG"

    def kill(self):
        """As the end of the power would, as far as the process is concerned."""
        if self.process:
            self.process.kill()
            self.process.wait(PATIENCE)

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def ask(self, *words):
        """What redis-cli prints of the answer."""
        done = self._cli(*words)
        assert done.returncode == 0, f"{words}: {done.stderr}{done.stdout}"
        return done.stdout.strip()

    def _cli(self, *words):
        login = ["-a", self.password, "--no-auth-warning"] if self.password else []
        return subprocess.run(
            [program("redis-cli"), "-e", "-p", str(self.port), *login, *map(str, words)],
            capture_output=True, text=True, timeout=PATIENCE)

    def log(self):
        return (self.folder / "redis.log").read_text(errors="replace")


@pytest.fixture
def redis(tmp_path):
    """It has what it kept when it is killed and started again."""
    with Redis(tmp_path / "redis", *DURABLE) as server:
        yield server


def shared(url, **options):
    """[history] of an instance. A Redis that does not answer is given up early."""
    return {"journal": "redis", "url": url, "answer_timeout": "1s", "connect_timeout": "1s",
            **options}


def fixed_listeners():
    """Listeners at ports that a killed instance has again when it is started again."""
    return [{"address": f"127.0.0.1:{free_port()}"},
            {"address": f"127.0.0.1:{free_port()}", "tls": False}]
