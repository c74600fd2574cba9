"""Certificates by name, staples, tickets between instances, and certificates of clients."""

import os
import ssl
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from application import Application
from certificates import Authority, openssl
from clients import H1
from harness import run, wait_until
from settings import config, toml
from tls_clients import ask, believing, handshake, shown

pytestmark = pytest.mark.quick

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
CLIENTS, AT_ONCE = 100, 10


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


# -- certificates ----------------------------------------------------------------------------------


def test_a_client_gets_the_certificate_of_the_name_that_it_asks_for(start, authority):
    first = authority.issue("first.example")
    second = authority.issue("second.example", "DNS:second.example,DNS:*.second.example")
    third = authority.issue("www.second.example")
    gateway = start(tls={**first.files, "certificates": [second.files, third.files]})
    for name, wanted in [("first.example", first), ("second.example", second),
                         ("SECOND.example", second), ("x.second.example", second),
                         ("www.second.example", third)]:
        assert shown(gateway.tls, name) == wanted.der, name
    for nobody in (None, "stranger.example", "a.b.second.example", "127.0.0.1"):
        assert shown(gateway.tls, nobody) == first.der, nobody
    assert gateway.metric("sluice_tls_handshakes_total", result="failed") == 0, "no alert"


def test_without_one_in_tls_the_first_of_the_others_is_for_everybody(start, authority):
    one, other = authority.issue("one.example"), authority.issue("other.example")
    gateway = start()
    gateway.stop()
    gateway.settings["tls"] = {"certificates": [one.files, other.files]}
    gateway.start()
    assert shown(gateway.tls) == one.der
    assert shown(gateway.tls, "other.example") == other.der


def test_a_response_of_the_authority_is_stapled(start, authority):
    plain = authority.issue("plain.example")
    stapled = authority.issue("stapled.example", stapled=True)
    wrong = authority.issue("wrong.example")
    wrong.ocsp = stapled.ocsp
    gateway = start(tls={**plain.files, "certificates": [stapled.files, wrong.files]})

    def status(name, *more):
        return openssl("s_client", "-connect", f"127.0.0.1:{gateway.tls}", "-servername", name,
                       "-status", "-CAfile", authority.certificate, *more, input=b"").decode()

    for version in ("-tls1_2", "-tls1_3"):
        assert "OCSP Response Status: successful" in status("stapled.example", version)
        assert "Cert Status: good" in status("stapled.example", version)
        assert "OCSP response: no response sent" in status("plain.example", version)
        assert "OCSP response: no response sent" in status("wrong.example", version)
    assert "it is for another certificate; nothing is stapled to" in gateway.stderr()


def test_a_certificate_that_is_about_to_expire_is_told_of(start, authority):
    gateway = start(tls=authority.issue("soon.example", days=5).files)
    assert "(soon.example) expires on" in gateway.stderr()
    assert ", in 4 days: renew it" in gateway.stderr()
    left = gateway.metric("sluice_certificate_expiry_timestamp_seconds") - time.time()
    assert 4 * 86400 < left < 5 * 86400 + 60


# -- tickets ---------------------------------------------------------------------------------------


def ticket_key(folder, name, size=80):
    path = folder / name
    path.write_bytes(os.urandom(size))
    path.chmod(0o600)
    return str(path)


class Crowd:
    """Clients that were connected, and come back with their tickets."""

    def __init__(self, version, size=CLIENTS):
        self.context = believing(version)
        self.sessions = [None] * size

    def come(self, *ports):
        """Many at once, each to one of the ports. Which part of them resumed; none may fail."""
        def one(n):
            port = ports[n % len(ports)]
            with handshake(port, "localhost", self.context, self.sessions[n]) as secure:
                assert ask(secure).status == 404
                self.sessions[n] = secure.session
                return secure.session_reused

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return sum(pool.map(one, range(len(self.sessions)))) / len(self.sessions)


@pytest.mark.limit(180)
@pytest.mark.parametrize("version", VERSIONS)
def test_instances_that_share_keys_resume_each_others_sessions(start, tmp_path, version):
    keys = [ticket_key(tmp_path, "key")]
    one, other = (start(tls={"ticket_keys": keys}) for _ in range(2))
    crowd = Crowd(version)
    assert crowd.come(one.tls) == 0
    for round, ports in enumerate([(other.tls,), (one.tls, other.tls), (other.tls, one.tls)]):
        resumed = crowd.come(*ports)
        print(f"{version.name}: round {round}: {resumed:.0%} resumed")
        assert resumed >= 0.95
    assert one.metric("sluice_tls_tickets_total", key="unknown") == 0


@pytest.mark.limit(180)
@pytest.mark.parametrize("version", VERSIONS)
def test_keys_are_rotated_without_a_failed_handshake(start, tmp_path, version):
    old, new, newer = (ticket_key(tmp_path, name, size) for name, size in
                       (("old", 48), ("new", 80), ("newer", 80)))
    both = [start(tls={"ticket_keys": [old]}) for _ in range(2)]
    ports = [gateway.tls for gateway in both]
    crowd = Crowd(version, size=40)
    assert crowd.come(*ports) == 0
    # As docs/tls.md says: first every instance learns to read the new one, then each writes it.
    for step in ([old, new], [new, old], [new, old, newer], [newer, new]):
        for gateway in both:
            gateway.rewrite(tls={"ticket_keys": step})
            assert gateway.post_admin("/reload")[0] == 200
            ports.reverse()
            assert crowd.come(*ports) >= 0.95
    for gateway in both:
        assert gateway.metric("sluice_tls_handshakes_total", result="failed") == 0
    # The second one sees what the first one has already renewed.
    assert both[0].metric("sluice_tls_tickets_total", key="former") > 0


def test_random_keys_stay_when_all_else_is_reloaded(gateway):
    crowd = Crowd(ssl.TLSVersion.TLSv1_3)
    assert crowd.come(gateway.tls) == 0
    assert gateway.post_admin("/reload")[0] == 200
    assert crowd.come(gateway.tls) == 1


def test_a_key_that_everybody_can_read_is_a_fault(start, tmp_path, certificate):
    key = ticket_key(tmp_path, "key")
    os.chmod(key, 0o644)
    file = tmp_path / "f.toml"
    files = {name: str(certificate / f"{short}.pem")
             for name, short in (("certificate", "cert"), ("key", "key"))}
    file.write_text(toml(config(tls={**files, "ticket_keys": [key]})))
    done = run("check", "--config", file)
    assert done.returncode == 2
    assert f"tls.ticket_keys: {key} is open to every user of this machine" in done.stdout


# -- certificates of clients -----------------------------------------------------------------------


APP = "DNS:app.internal,URI:spiffe://example/app"


def listening(authority, how, **more):
    return {"listen": [{"address": "127.0.0.1:0", "client_certificates": how},
                       {"address": "127.0.0.1:0", "tls": False}],
            "tls": {"client_ca": str(authority.certificate)}, **more}


def publish(port, client=None, headers=()):
    with handshake(port, "localhost", believing(client=client)) as secure:
        return ask(secure, "POST", "/events/news", headers, b"hello").status


def test_a_publisher_is_let_in_by_its_certificate(start, authority):
    app = authority.issue("app", APP)
    other = authority.issue("other")
    gateway = start(**listening(authority, "optional",
                                hub={"publisher_certificates": ["spiffe://example/app"]}))
    assert publish(gateway.tls, app) == 200
    assert publish(gateway.tls, other) == 401
    assert publish(gateway.tls) == 401
    # A page that a browser with such a certificate has open must not publish in its name.
    assert publish(gateway.tls, app, {"origin": "https://evil.example"}) == 401
    assert publish(gateway.tls, app, {"sec-fetch-site": "cross-site"}) == 401
    # Who shows a token is judged by it.
    assert publish(gateway.tls, app, {"authorization": "Bearer x"}) == 401
    # A browser without one subscribes as ever.
    with H1(gateway.tls, tls=True) as reader:
        reader.subscribe("/events/news")


def test_where_certificates_are_optional_a_strangers_is_nobodys(start, authority, tmp_path):
    stranger = Authority(tmp_path, "stranger").issue("app", APP)
    gateway = start(**listening(authority, "optional",
                                hub={"publisher_certificates": ["app.internal"]}))
    assert publish(gateway.tls, stranger) == 401


def test_where_certificates_are_required_nobody_else_is_let_in(start, authority, tmp_path):
    app = authority.issue("app", APP)
    stranger = Authority(tmp_path, "stranger").issue("app", APP)
    gateway = start(**listening(authority, "require"))
    with handshake(gateway.tls, "localhost", believing(client=app)) as secure:
        assert ask(secure).status == 404
    for client in (None, stranger):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            with handshake(gateway.tls, "localhost", believing(client=client)) as secure:
                assert ask(secure).status == 404
    wait_until(lambda: gateway.metric("sluice_tls_handshakes_total", result="failed") == 2,
               "both are counted")


def test_an_application_is_told_of_the_certificate_and_of_none_that_was_made_up(start, authority):
    app = authority.issue("app", APP)
    forged = {"x-forwarded-client-cert": "Subject=\"CN=root\"", "client-cert": ":AAAA:",
              "client-cert-chain": ":AAAA:"}
    with Application() as application:
        @application.at("*")
        async def say(exchange):
            await exchange.read_all()
            await exchange.reply(200, b"")

        gateway = start(**listening(
            authority, "optional",
            route=[{"path": "/told/*", "upstream": application.url, "forward_certificate": True},
                   {"path": "/untold/*", "upstream": application.url}]))

        def seen(path, client=None):
            with handshake(gateway.tls, "localhost", believing(client=client)) as secure:
                assert ask(secure, "GET", path, forged).status == 200
            request = application.requests[-1]
            return {name: request.header(name) for name in forged if request.header(name)}

        assert seen("/told/a", app) == {
            "x-forwarded-client-cert":
                'Subject="CN=app";URI=spiffe://example/app;DNS=app.internal'}
        assert seen("/told/a") == {}
        assert seen("/untold/a", app) == {}
