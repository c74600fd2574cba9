"""The start of an instance that shares a history in Redis: with the example as it stands, by a
password, and what is said when it cannot be."""

import contextlib
import fcntl
import pathlib
import re
import shutil
import socket
import tempfile

import pytest

from clients import H1
from harness import Gateway, free_port, run
from redis_server import Redis, shared
from settings import config, toml

pytestmark = pytest.mark.quick
EXAMPLE = pathlib.Path(__file__).with_name("hub-redis.toml")


@contextlib.contextmanager
def port_of_the_example():
    """6390 for us alone; or another one, where somebody has it who does not know of the lock."""
    with open(pathlib.Path(tempfile.gettempdir()) / "sluice-tests-6390.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", 6390))
                port = 6390
            except OSError:
                port = free_port()
        yield port


def test_the_example_starts_as_it_stands(tmp_path, certificate):
    with port_of_the_example() as port, Redis(tmp_path / "redis", port=port):
        text = EXAMPLE.read_text()
        assert text.count(":6390/") == 1
        for name in ("cert.pem", "key.pem"):
            shutil.copy(certificate / name, tmp_path)
        with Gateway(tmp_path, text.replace(":6390/", f":{port}/")) as gateway:
            with H1(gateway.clear) as client:
                client.subscribe("/events/a")
                gateway.publish("a", "hello")
                assert client.events(1)[0].data == "hello"


@pytest.fixture
def fails(tmp_path, certificate):
    """What `sluice serve` says when it cannot start with that history. Its status is one with which
    systemd tries again."""
    def serve(**history):
        for name in ("cert.pem", "key.pem"):
            shutil.copy(certificate / name, tmp_path)
        file = tmp_path / "sluice.toml"
        file.write_text(toml(config(history={"start_timeout": "1s", **history})))
        done = run("serve", "--config", file, cwd=tmp_path)
        assert done.returncode == 1 and done.stdout == ""
        return done.stderr

    return serve


def test_a_redis_that_is_not_there_is_named_with_what_to_look_at(fails):
    port = free_port()
    said = fails(**shared(f"redis://127.0.0.1:{port}"))
    assert re.search(rf"Redis at 127\.0\.0\.1:{port} cannot be used: .*refused", said), said
    assert "history.url" in said


def test_a_redis_without_tls_is_said_to_be_one(fails, tmp_path):
    with Redis(tmp_path / "redis") as server:
        said = fails(**shared(server.url.replace("redis:", "rediss:"), connect_timeout="200ms"))
    assert "does it speak TLS there (redis:// is without)" in said, said


def test_the_log_says_what_history_was_found(start, tmp_path):
    with Redis(tmp_path / "redis") as server:
        first = start(history=shared(server.url))
        assert re.search(r"history in Redis at \S+: epoch \w{8}, 0 events up to 0", first.stderr())
        for data in "xy":
            first.publish("a", data)
        second = start(history=shared(server.url))
        assert re.search(r"epoch \w{8}, 2 events up to 2", second.stderr())


@pytest.mark.parametrize("login", ["wrong", None])
def test_a_login_that_is_refused_names_the_options_to_look_at(fails, tmp_path, login):
    with Redis(tmp_path / "redis") as server:
        server.ask("CONFIG", "SET", "requirepass", "right-password")
        password = {}
        if login:
            (tmp_path / "password").write_text(login)
            password["password_file"] = "password"
        said = fails(**shared(server.url, **password))
        assert re.search(r"it refuses the login \((WRONGPASS|NOAUTH)", said), said
        assert "history.password_file" in said
        assert "right-password" not in said


def test_the_right_password_is_read_from_its_file(start, tmp_path):
    with Redis(tmp_path / "redis") as server:
        server.ask("CONFIG", "SET", "requirepass", "right-password")
        server.password = "right-password"
        (tmp_path / "password").write_text("right-password\n")
        gateway = start(history=shared(server.url, password_file=str(tmp_path / "password")))
        gateway.publish("a", "x")
        assert server.ask("XLEN", "sluice") == "1"
        assert "right-password" not in gateway.stderr()
