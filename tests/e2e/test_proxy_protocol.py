"""Listeners behind a balancer that says with the PROXY protocol who its clients are: HAProxy, and
clients who say it themselves."""

import subprocess

import pytest

import balancers
from application import Application
from balancers import ask
from harness import wait_until

CLIENT = "127.0.0.9"  # Not the address that the balancer comes from.


@pytest.fixture
def app():
    with Application() as application:
        @application.at("/*")
        async def page(exchange):
            await exchange.reply(200, b"here")

        yield application


@pytest.fixture
def gateway(start, app):
    return start(server={"trusted_proxies": ["127.0.0.1"]},
                 listen=[{"address": "127.0.0.1:0", "proxy_protocol": True},
                         {"address": "127.0.0.1:0", "proxy_protocol": True, "tls": False}],
                 route=[{"path": "/*", "upstream": app.url}])


def haproxy(folder, bind, server):
    """The port of a balancer in TCP mode."""
    return balancers.haproxy(folder, f"""
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen sluice
  bind FD {bind}
  server sluice {server}
""")


def curl(url, *options):
    done = subprocess.run(["curl", "-sk", "--max-time", "10", *options, url],
                          capture_output=True, timeout=20)
    return done.returncode, done.stdout.decode()


@pytest.mark.parametrize("version", ["send-proxy", "send-proxy-v2",
                                     "send-proxy-v2 proxy-v2-options crc32c"])
def test_haproxy_says_who_its_client_is(gateway, app, tmp_path, version):
    with haproxy(tmp_path, "", f"127.0.0.1:{gateway.tls} {version}") as port:
        for protocol in ("--http1.1", "--http2"):
            assert curl(f"https://127.0.0.1:{port}/", protocol, "--interface", CLIENT) == (0, "here")
            asked = app.requests[-1]
            assert asked.header("x-forwarded-for") == CLIENT
            assert asked.header("x-forwarded-proto") == "https"


def test_haproxy_ends_tls_and_says_so(gateway, app, tmp_path, certificate):
    pem = tmp_path / "both.pem"
    pem.write_bytes((certificate / "cert.pem").read_bytes() + (certificate / "key.pem").read_bytes())
    with haproxy(tmp_path, f"ssl crt {pem} alpn h2,http/1.1",
                 f"127.0.0.1:{gateway.clear} send-proxy-v2-ssl") as port:
        for protocol in ("--http1.1", "--http2"):
            assert curl(f"https://127.0.0.1:{port}/", protocol, "--interface", CLIENT) == (0, "here")
            asked = app.requests[-1]
            assert asked.header("x-forwarded-for") == CLIENT
            assert asked.header("x-forwarded-proto") == "https"


@pytest.mark.quick
def test_nobody_else_may_say_who_he_is(gateway, app):
    spoof = b"PROXY TCP4 198.51.100.9 127.0.0.1 1 2\r\n"
    assert ask(gateway.clear, spoof).startswith(b"HTTP/1.1 200")
    assert app.requests[-1].header("x-forwarded-for") == "198.51.100.9"
    assert ask(gateway.clear, spoof, source=CLIENT) == b""
    assert len(app.requests) == 1
    assert gateway.metric("sluice_connections_closed_total", reason="proxy_header") == 1
    wait_until(lambda: f"a connection from {CLIENT} is refused: it is none of server.trusted_proxies"
               in gateway.stderr(),
               "the log says it")


@pytest.mark.quick
def test_who_comes_without_a_header_is_refused(gateway, app):
    assert ask(gateway.clear, b"") == b""
    assert app.requests == []
    assert gateway.metric("sluice_connections_closed_total", reason="proxy_header") == 1
    wait_until(lambda: "refused: it does not begin with a PROXY header" in gateway.stderr(),
               "the log says it")


@pytest.mark.quick
def test_a_health_check_of_the_balancer_is_served_as_its_own(gateway, app):
    local = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"
    assert ask(gateway.clear, local).startswith(b"HTTP/1.1 200")
    assert app.requests[-1].header("x-forwarded-for") == "127.0.0.1"


@pytest.mark.quick
def test_without_a_trusted_proxy_such_a_listener_is_a_mistake(start):
    with pytest.raises(AssertionError) as ended:
        start(listen=[{"address": "127.0.0.1:0", "tls": False, "proxy_protocol": True}])
    assert 'name the balancers\' networks, as in server.trusted_proxies' in str(ended.value)
