"""Reload: what is taken over while streams go on, what is refused, and what needs a restart."""

import contextlib
import os
import pathlib
import signal
import time

import pytest

from certificates import Authority
from clients import H1, H2
from harness import wait_until
from settings import SECRET, jwt
from tls_clients import shown

pytestmark = pytest.mark.quick

WATCH = {"watch": "100ms"}
CONNECTIONS, STREAMS = 10, 100


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def hang_up(gateway, result="done"):
    """SIGHUP; waits until it has come to something."""
    before = gateway.metric("sluice_reloads_total", result=result)
    gateway.process.send_signal(signal.SIGHUP)
    wait_until(lambda: gateway.metric("sluice_reloads_total", result=result) > before,
               f"a reload that is {result}")


def errors_in(gateway):
    return [line for line in gateway.stderr().splitlines() if "the running configuration" in line]


# -- certificates ----------------------------------------------------------------------------------


def swap(link, authority, folder, n):
    """As Kubernetes swaps a secret: one link, and all files behind it are others. What clients
    see of the certificate that is there now."""
    made = authority.issue("localhost")
    der = made.der
    target = folder / f"secret{n}"
    target.mkdir()
    made.certificate.rename(target / "tls.crt")
    made.key.rename(target / "tls.key")
    (folder / "next").symlink_to(target)
    os.replace(folder / "next", link)
    return der


@pytest.mark.limit(180)
def test_a_renewed_certificate_is_taken_by_itself_and_no_stream_notices(start, authority, tmp_path):
    link = tmp_path / "data"
    shown_now = swap(link, authority, tmp_path, 0)
    gateway = start(tls={"certificate": str(link / "tls.crt"), "key": str(link / "tls.key"),
                         **WATCH}, server={"workers": 2})
    assert shown(gateway.tls) == shown_now
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(H2(gateway.tls)) for _ in range(CONNECTIONS)]
        streams = [(client, client.subscribe("/events/news"))
                   for client in clients for _ in range(STREAMS)]
        wait_until(lambda: gateway.metric("sluice_streams") == CONNECTIONS * STREAMS, "all open")
        for round in range(3):
            shown_now = swap(link, authority, tmp_path, round + 1)
            wait_until(lambda: shown(gateway.tls) == shown_now, "newcomers see the new one", 20)
            gateway.publish("news", f"round {round}")
            for client, stream in streams:
                had = [event.data for event in client.events(stream, round + 1)]
                assert had == [f"round {n}" for n in range(round + 1)]
        assert gateway.metric("sluice_streams") == CONNECTIONS * STREAMS, "none was dropped"
    assert gateway.metric("sluice_reloads_total", result="done") >= 3
    assert gateway.metric("sluice_reloads_total", result="failed") == 0


def test_a_broken_certificate_is_refused_and_the_old_one_stays(start, authority):
    good = authority.issue("localhost")
    gateway = start(tls={**good.files, **WATCH})
    whole, der = good.certificate.read_text(), good.der
    good.certificate.write_text("-----BEGIN CERTIFICATE-----\nbroken\n")
    wait_until(lambda: errors_in(gateway), "a line in the log", 20)
    [line] = errors_in(gateway)
    assert f"{gateway.file}:" in line
    assert f"tls: {good.certificate} is not a certificate that can be used" in line
    assert line.endswith("; the running configuration stays")
    assert shown(gateway.tls) == der
    assert gateway.metric("sluice_reloads_total", result="failed") == 1, "once, not at each look"
    status, text = gateway.post_admin("/reload")
    assert status == 422 and "is not a certificate" in text
    good.certificate.write_text(whole)
    wait_until(lambda: gateway.metric("sluice_reloads_total", result="done") >= 1, "it is mended",
               20)
    assert shown(gateway.tls) == der


def test_a_pipe_in_the_place_of_a_key_is_refused_and_nobody_waits_for_it(start):
    gateway = start()
    pipe = gateway.directory / "pipe"
    os.mkfifo(pipe)
    gateway.rewrite(tls={"key": "pipe"})
    hang_up(gateway, "failed")
    assert "it is a pipe, and has to be a regular file" in gateway.stderr()
    assert gateway.get_admin("/readyz")[0] == 200


def test_a_key_of_another_certificate_is_refused(start, authority):
    good, other = authority.issue("localhost"), authority.issue("other")
    gateway = start(tls={**good.files, **WATCH})
    good.key.write_text(other.key.read_text())
    wait_until(lambda: errors_in(gateway), "a line in the log", 20)
    assert "does not belong to the certificate in" in errors_in(gateway)[0]
    assert shown(gateway.tls) == good.der


def test_files_that_are_renewed_in_their_place_are_taken(start, authority):
    """As certbot does; who is caught between the two goes on with the old ones until then."""
    good = authority.issue("localhost")
    gateway = start(tls={**good.files, **WATCH})
    before = good.der
    authority.issue("localhost", into=good)
    assert good.der != before
    wait_until(lambda: shown(gateway.tls) == good.der, "the new one is shown", 20)


def test_without_a_watch_only_a_reload_takes_it(start, authority):
    good = authority.issue("localhost")
    gateway = start(tls={**good.files, "watch": "0s"})
    before = good.der
    authority.issue("localhost", into=good)
    assert shown(gateway.tls) == before
    hang_up(gateway)
    assert shown(gateway.tls) == good.der


def test_a_certificate_more_is_there_after_a_reload(start, authority):
    first, more = authority.issue("first.example"), authority.issue("more.example")
    gateway = start(tls=first.files)
    assert shown(gateway.tls, "more.example") == first.der
    gateway.rewrite(tls={"certificates": [more.files]})
    status, text = gateway.post_admin("/reload")
    assert status == 200
    assert "changed: tls.certificates\n" in text
    assert f"{more.certificate} (more.example) until 20" in text
    assert shown(gateway.tls, "more.example") == more.der
    assert shown(gateway.tls, "first.example") == first.der


# -- keys, and plain values ------------------------------------------------------------------------


def publish(gateway, token):
    with gateway.publisher(token) as publisher:
        return publisher.form([("topic", "news"), ("data", "x")])[0]


def key(secret):
    return [{"alg": "HS256", "secret": secret}]


def test_keys_of_publishers_and_subscribers_are_replaced(start):
    gateway = start(hub={"anonymous": False})
    secret = "another-secret-of-32-bytes-or-more-00"
    claims = {"mercure": {"publish": ["*"], "subscribe": ["*"]}}
    old, new = jwt(claims), jwt(claims, secret)

    def subscribe(token):
        with H1(gateway.clear) as client:
            client.request("GET", "/events/news", {"authorization": f"Bearer {token}"})
            return client.head().status

    # Also what was verified before, and is remembered.
    assert [publish(gateway, token) for token in (old, new)] == [200, 401]
    assert [subscribe(token) for token in (old, new)] == [200, 401]
    with H1(gateway.clear) as reader:
        reader.subscribe("/events/news", {"authorization": f"Bearer {old}"})
        gateway.rewrite(hub={"publisher_keys": key(secret), "subscriber_keys": key(secret)})
        hang_up(gateway)
        assert [publish(gateway, token) for token in (old, new)] == [401, 200]
        assert [subscribe(token) for token in (old, new)] == [401, 200]
        assert reader.events(1)[0].data == "x", "who is here stays"
    log = gateway.stderr()
    assert "changed: hub.publisher_keys, hub.subscriber_keys" in log
    assert secret not in log and SECRET not in log


def test_two_keys_make_a_change_without_a_gap(gateway):
    secret = "another-secret-of-32-bytes-or-more-00"
    claims = {"mercure": {"publish": ["*"]}}
    old, new = jwt(claims), jwt(claims, secret)
    gateway.rewrite(hub={"publisher_keys": key(SECRET) + key(secret)})
    assert gateway.post_admin("/reload")[0] == 200
    assert [publish(gateway, token) for token in (old, new)] == [200, 200]


def test_the_level_of_the_log_changes(gateway):
    assert " debug " not in gateway.stderr()
    gateway.rewrite(log={"level": "debug"})
    assert gateway.post_admin("/reload")[0] == 200
    with contextlib.suppress(ConnectionError), H1(gateway.tls) as stranger:
        stranger.send("this is no TLS\r\n\r\n")
        stranger.socket.recv(100)
    wait_until(lambda: " debug TLS handshake" in gateway.stderr(), "a line of debugging")


# -- faults, and what needs a restart --------------------------------------------------------------


def test_a_fault_leaves_everything_as_it_was(start):
    gateway = start()
    gateway.rewrite(hub={"publisher_keys": key("another-secret-of-32-bytes-or-more-00"),
                         "max_topics": -1}, retry={"mim": "1s"})
    status, text = gateway.post_admin("/reload")
    assert status == 422
    faults = text.splitlines()
    assert len(faults) == 3
    assert "hub.max_topics: -1 is below the least, 1" in faults[0]
    assert '[retry] has no key "mim"; did you mean "min"?' in faults[1]
    assert faults[2] == "the running configuration stays"
    for fault in faults[:2]:
        assert fault.startswith(f"{gateway.file}:")
        assert f"{fault}; the running configuration stays" in gateway.stderr()
    assert publish(gateway, jwt({"mercure": {"publish": ["*"]}})) == 200, "the old key holds"
    assert gateway.metric("sluice_reloads_total", result="failed") == 1
    assert gateway.metric("sluice_last_reload_timestamp_seconds") == 0


def test_a_file_that_is_gone_is_a_fault_too(gateway):
    gateway.file.unlink()
    assert gateway.post_admin("/reload")[0] == 422
    assert gateway.get_admin("/readyz")[0] == 200


def test_what_needs_a_restart_is_named_with_its_place(gateway):
    begin = int(time.time())
    gateway.rewrite(server={"workers": 2}, history={"max_events": 5}, log={"level": "warning"})
    status, text = gateway.post_admin("/reload")
    assert status == 200
    lines = pathlib.Path(gateway.file).read_text().splitlines()
    for name in ("workers", "max_events"):
        row = next(n for n, line in enumerate(lines, 1) if line.startswith(f"{name} ="))
        section = {"workers": "server", "max_events": "history"}[name]
        wanted = (f"{gateway.file}:{row}:{len(name) + 4}: {section}.{name} has changed, which a "
                  "reload does not take over: restart, or upgrade by SIGUSR2")
        assert wanted in text and wanted in gateway.stderr()
    assert "changed: log.level\n" in text
    assert gateway.metric("sluice_last_reload_timestamp_seconds") >= begin


def test_a_reload_is_not_for_pages_in_a_browser(gateway):
    assert gateway.get_admin("/reload")[0] == 405
    assert gateway.post_admin("/reload", {"origin": "https://evil.example"})[0] == 403
    assert gateway.metric("sluice_reloads_total") == 0


def test_a_drain_is_not_disturbed(start):
    gateway = start(drain={"delay": "2s", "window": "0s"})
    gateway.terminate()
    wait_until(lambda: gateway.get_admin("/readyz")[0] == 503, "the drain has begun")
    assert gateway.post_admin("/reload") == (409, "a drain has begun\n")
