"""Listeners behind a balancer that says with the PROXY protocol who its clients are: HAProxy, and
clients who say it themselves."""

import contextlib
import shutil
import socket
import subprocess

import pytest

from application import Application
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


@contextlib.contextmanager
def haproxy(folder, bind, server):
    """The port of a balancer in TCP mode; its listening socket is made here, so it has one."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        file = folder / "haproxy.cfg"
        file.write_text(f"""
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen sluice
  bind fd@{listening.fileno()} {bind}
  server sluice {server}
""")
        program = shutil.which("haproxy", path="/usr/sbin:/usr/bin")
        balancer = subprocess.Popen([program, "-db", "-f", str(file)],
                                    pass_fds=[listening.fileno()])
        try:
            yield listening.getsockname()[1]
        finally:
            balancer.kill()
            balancer.wait()


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


def ask(port, header, source="127.0.0.1"):
    """What comes back, to the end."""
    with socket.create_connection(("127.0.0.1", port), 10, (source, 0)) as caller:
        caller.sendall(header + b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        answer = b""
        while chunk := caller.recv(4096):
            answer += chunk
        return answer


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
