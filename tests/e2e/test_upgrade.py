"""Another process takes over on the same sockets: nobody is refused, and nothing is lost."""

import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.parse

import pytest

import harness
import settings
from clients import H1, H2, connect
from harness import wait_until

FILE = {"journal": "file", "path": "history"}
SPREAD = {"delay": "0s", "window": "1s", "hard_limit": "10s"}


def wait_for_end(process, seconds=20):
    status = process.wait(seconds)
    assert status == 0, f"the old process ended with {status}"


def publish_until_kept(gateway, topic, data):
    """As a publisher has to: 503 means that it was not kept, and to ask again."""
    deadline = harness.Deadline(20, f"{data} is kept")
    while True:
        deadline.left()
        with contextlib.suppress(http.client.HTTPException, ConnectionError):
            with gateway.publisher() as publisher:
                status, text = publisher.form([("topic", topic), ("data", data)])
                if status == 200:
                    return text.strip()
                assert status == 503, (status, text)
        time.sleep(0.02)


class Reader(threading.Thread):
    """A client that reconnects as a browser would, and keeps what it was told."""

    def __init__(self, gateway, topic):
        super().__init__(daemon=True)
        self.port, self.topic = gateway.clear, topic
        self.texts, self.types, self.faults = [], [], []
        self.connections = 0
        self.last_id = None
        self.is_open = threading.Event()
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            try:
                self.read_one()
            except Exception as fault:  # noqa: BLE001: each is one too many.
                self.faults.append(repr(fault))
                return

    def read_one(self):
        headers = {"last-event-id": self.last_id} if self.last_id else {}
        with H1(self.port, timeout=30) as client:
            client.subscribe(f"/events/{self.topic}", headers)
            self.connections += 1
            self.is_open.set()
            seen = 0
            while not client.ended and not self.stopping.is_set():
                with contextlib.suppress(TimeoutError):
                    client.read_stream(lambda: len(client.sse.events) > seen, 0.2, "more")
                for event in client.sse.events[seen:]:
                    self.texts.append(event.data)
                    self.types.append(event.type)
                    self.last_id = event.id
                seen = len(client.sse.events)


class Knocker(threading.Thread):
    """Opens connection after connection, each with one request."""

    def __init__(self, gateway):
        super().__init__(daemon=True)
        self.gateway, self.faults, self.served = gateway, [], 0
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            try:
                with H1(self.gateway.clear, timeout=30) as client:
                    client.request("GET", "/nothing")
                    assert client.answer().status == 404
                    self.served += 1
            except Exception as fault:  # noqa: BLE001: each is one too many.
                self.faults.append(repr(fault))


def test_three_times_while_all_goes_on_nobody_is_refused_and_nothing_is_lost(start):
    gateway = start(history=FILE, drain=SPREAD, server={"workers": 2})
    readers = [Reader(gateway, "a") for _ in range(20)]
    knockers = [Knocker(gateway) for _ in range(2)]
    for thread in readers + knockers:
        thread.start()
    for reader in readers:
        assert reader.is_open.wait(10)
    texts = []
    done = threading.Event()

    def publish():
        while not done.is_set():
            text = str(len(texts))
            publish_until_kept(gateway, "a", text)
            texts.append(text)

    publisher = threading.Thread(target=publish, daemon=True)
    publisher.start()
    for _ in range(3):
        wait_for_end(gateway.upgrade())
    done.set()
    publisher.join(20)
    for reader in readers:
        wait_until(lambda: len(reader.texts) >= len(texts) or reader.faults, "all events", 20)
    for thread in readers + knockers:
        thread.stopping.set()
    for thread in readers + knockers:
        thread.join(20)
        assert not thread.faults, thread.faults[:3]
    for reader in readers:
        assert reader.texts == texts, "each event once, in order"
        assert "gap" not in reader.types
        assert reader.connections >= 4
    assert all(knocker.served > 10 for knocker in knockers)


def test_streams_that_the_old_process_still_has_get_what_the_new_one_takes(start):
    gateway = start(history=FILE, drain={"delay": "0s", "window": "8s", "hard_limit": "20s"})
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(H1(gateway.clear)) for _ in range(10)]
        for client in clients:
            client.subscribe("/events/a")
        old = gateway.upgrade()
        wait_until(lambda: "serves from now on" in gateway.stderr(), "the new one has taken over")
        gateway.publish("a", "from the new one")
        got = 0
        for client in clients:
            client.read_stream(lambda: client.sse.events, 20, "the event, or the end")
            got += bool(client.sse.events)
        assert got >= 1, "the last of them ends 8 s later"
        wait_for_end(old, 30)


def test_what_a_rule_takes_away_between_two_looks_does_the_old_process_no_harm(start):
    gateway = start(history=FILE, drain={"delay": "0s", "window": "4s", "hard_limit": "20s"},
                    topic=[{"match": "state", "max_events": 1}])
    with H1(gateway.clear) as client:
        client.subscribe("/events/state")
        gateway.publish("state", "before")
        client.events(1)
        old = gateway.upgrade()
        wait_until(lambda: "serves from now on" in gateway.stderr(), "the new one has taken over")
        with gateway.publisher() as publisher:
            for n in range(200):
                publisher.publish("state", str(n))
        client.read_stream(lambda: False, 30, "the end of the stream")
        wait_for_end(old, 30)


def test_each_http2_client_is_told_to_open_no_more_and_its_streams_end_with_a_retry(start):
    gateway = start(history=FILE, drain=SPREAD)
    with H2(gateway.tls) as client:
        streams = [client.subscribe("/events/a") for _ in range(20)]
        client.opened(*streams)
        old = gateway.upgrade()
        for stream in streams:
            state = client.answer(stream, 20)
            assert state.ended and state.reset is None
            assert state.sse.retry >= 500
        assert client.goaways[0] == (0, 2**31 - 1)
        wait_for_end(old)


def test_a_new_process_that_cannot_start_leaves_everything_as_it_was(start):
    gateway = start(history=FILE)
    good = gateway.file.read_text()
    with H1(gateway.clear) as client:
        client.subscribe("/events/a")
        gateway.file.write_text(good.replace("[server]", "[sever]") if "[server]" in good
                                else good + "\n[sever]\n")
        gateway.process.send_signal(harness.signal.SIGUSR2)
        wait_until(lambda: "no upgrade" in gateway.stderr(), "it is told", 20)
        assert "this process goes on" in gateway.stderr() and "exit status 2" in gateway.stderr()
        gateway.publish("a", "still here")
        assert client.events(1)[0].data == "still here"
    gateway.file.write_text(good)
    wait_for_end(gateway.upgrade())
    gateway.publish("a", "and now the new one")


def test_a_new_process_that_dies_with_the_history_gives_it_back(start):
    """Its certificate is broken, which it finds out when it has taken the history over."""
    gateway = start(history=FILE)
    before = gateway.publish("a", "1")
    key = gateway.directory / "key.pem"
    good = key.read_text()
    key.write_text("no key\n")
    gateway.process.send_signal(harness.signal.SIGUSR2)
    wait_until(lambda: "no upgrade" in gateway.stderr(), "it is told", 20)
    after = publish_until_kept(gateway, "a", "2")
    assert before.split("-")[0] == after.split("-")[0], "the same history"
    key.write_text(good)


def test_a_new_process_that_hangs_is_ended_in_time(start, tmp_path):
    program = tmp_path / "sluice"
    shutil.copy(harness.binary(), program)
    gateway = start(program=str(program), history=FILE, server={"upgrade_timeout": "1s"})
    program.unlink()
    program.write_text("#!/bin/sh\nexec sleep 1000\n")
    program.chmod(0o755)
    gateway.process.send_signal(harness.signal.SIGUSR2)
    wait_until(lambda: "was not ready within 1s" in gateway.stderr(), "it is told", 20)
    gateway.publish("a", "still here")


def test_with_history_in_memory_clients_are_told_of_the_gap(start):
    gateway = start(drain=SPREAD)
    reader = Reader(gateway, "a")
    reader.start()
    assert reader.is_open.wait(10)
    gateway.publish("a", "before")
    wait_until(lambda: reader.texts == ["before"], "the event")
    wait_for_end(gateway.upgrade())
    gateway.publish("a", "after")
    wait_until(lambda: "after" in reader.texts or reader.faults, "the next event", 20)
    reader.stopping.set()
    reader.join(10)
    assert not reader.faults and "gap" in reader.types


def test_sigterm_during_an_upgrade_ends_both(start, tmp_path):
    program = tmp_path / "sluice"
    shutil.copy(harness.binary(), program)
    gateway = start(program=str(program))
    program.unlink()
    program.write_text("#!/bin/sh\nexec sleep 1000\n")
    program.chmod(0o755)
    gateway.process.send_signal(harness.signal.SIGUSR2)
    wait_until(lambda: "is started" in gateway.stderr(), "it is told", 20)
    gateway.stop()
    pid = int(gateway.stderr().split("upgrade: process ")[1].split()[0])
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


# -- the service manager -------------------------------------------------------------------------


def listening(*addresses):
    sockets = []
    for address in addresses:
        one = socket.create_server(address, family=socket.AF_INET, backlog=128)
        sockets.append(one)
    return sockets


def passed_to(gateway_file, sockets, env=None):
    """Starts the gateway as a socket unit would: descriptors from 3 on."""
    numbers = [one.fileno() for one in sockets]
    moves = "".join(f" {3 + i}<&{number}" for i, number in enumerate(numbers))
    script = f"LISTEN_PID=$$ LISTEN_FDS={len(numbers)} exec \"$@\"{moves}"
    return subprocess.Popen(
        ["bash", "-c", script, "bash", harness.binary(), "serve", "--config", str(gateway_file)],
        pass_fds=numbers, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**harness.environment(), **(env or {})}, cwd=gateway_file.parent)


@pytest.fixture
def folder(tmp_path, certificate):
    for name in ("cert.pem", "key.pem"):
        shutil.copy(certificate / name, tmp_path)
    return tmp_path


def configured(folder, **sections):
    file = folder / "sluice.toml"
    file.write_text(settings.toml(settings.config(**sections)))
    return file


def ended(process):
    process.terminate()
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors.decode()
    return errors.decode()


def test_sockets_that_the_service_manager_passes_are_listened_on(folder):
    clear, admin = listening(("127.0.0.1", 0), ("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in (clear, admin)]
    file = configured(folder, listen=[{"address": f"127.0.0.1:{ports[0]}", "tls": False}],
                      admin={"address": f"127.0.0.1:{ports[1]}"}, server={"workers": 2})
    # Somebody is there before it is started.
    early = connect(ports[0])
    process = passed_to(file, [clear, admin])
    clear.close()
    admin.close()
    line = process.stdout.readline().decode()
    assert line.split() == ["ready", f"http://127.0.0.1:{ports[0]}", "admin",
                            f"http://127.0.0.1:{ports[1]}"]
    early.sendall(b"GET /nothing HTTP/1.1\r\nhost: localhost\r\n\r\n")
    assert early.recv(100).startswith(b"HTTP/1.1 404")
    ended(process)


def test_a_socket_that_nothing_in_the_configuration_names_is_a_fault(folder):
    (stray,) = listening(("127.0.0.1", 0))
    port = stray.getsockname()[1]
    process = passed_to(configured(folder), [stray])
    stray.close()
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 2
    assert f"127.0.0.1:{port}" in errors.decode() and "[[listen]]" in errors.decode()


def test_the_service_manager_is_told_who_serves(folder):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(folder / "notify"))
        manager.settimeout(20)
        file = configured(folder, history=FILE, server={"pid_file": "sluice.pid"})
        harness.adopt_orphans()
        process = subprocess.Popen(
            [harness.binary(), "serve", "--config", str(file)], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, cwd=folder,
            env={**harness.environment(), "NOTIFY_SOCKET": str(folder / "notify"),
                 "WATCHDOG_USEC": "400000"})
        assert process.stdout.readline().startswith(b"ready")
        assert next_state(manager, "READY=1")
        assert int((folder / "sluice.pid").read_text()) == process.pid
        assert next_state(manager, "WATCHDOG=1")
        process.send_signal(harness.signal.SIGUSR2)
        successor = harness.Successor(process.stdout)
        # The new one says that it is ready, and the old one, who it is; in either order.
        told = next_states(manager, "READY=1", "MAINPID=")
        successor.pid = int(told["MAINPID="].split("=")[1])
        assert next_state(manager, "WATCHDOG=1")
        process.wait(20)
        assert process.returncode == 0
        assert int((folder / "sluice.pid").read_text()) == successor.pid
        successor.send_signal(harness.signal.SIGTERM)
        assert next_state(manager, "STOPPING=1")
        assert successor.wait(20) == 0
        assert not (folder / "sluice.pid").exists()
        process.stdout.close()
        process.stderr.close()


def next_state(manager, wanted):
    """The next message of that kind; those of another kind before it are passed over."""
    return next_states(manager, wanted)[wanted]


def next_states(manager, *wanted):
    """The same for several, by their beginnings."""
    found = {}
    while len(found) < len(wanted):
        for line in manager.recv(4096).decode().splitlines():
            found |= {kind: line for kind in wanted if line.startswith(kind)}
    return found
