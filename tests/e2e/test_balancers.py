"""Sluice behind HAProxy and nginx, as docs/deploy sets them up: the examples' own files, with times
shortened. Streams outlive the balancer's idle time-out, clients are known by their own addresses, and
nobody can say that he is another one."""

import contextlib
import json
import pathlib
import subprocess
import time
from collections import Counter
from dataclasses import dataclass

import pytest

from application import Application
from balancers import ask, example, haproxy, nginx, settings_of
from crowd import Crowd
from harness import Gateway, wait_until

IDLE = 4            # seconds: what the balancer allows a silent stream
STAY = 2 * IDLE
CLIENT = "127.0.0.9"
SPOOFED = "198.51.100.9"
SPOOFED_HEADER = f"PROXY TCP4 {SPOOFED} 127.0.0.1 1 2\r\n".encode()
HUB = {"anonymous": True,
       "publisher_keys": [{"alg": "HS256", "secret": "a-contract-secret-of-32-bytes-or-more"}]}
# HAProxy here: one gateway, and no more descriptors than a test may have.
HERE = {r"^ *server b .*\n": "", r"10\.0\.1\.11": "127.0.0.1", "bind :443": "bind FD",
        "maxconn 100000": "maxconn 4096"}


@dataclass
class Behind:
    """A gateway, and the balancer's port before it."""

    gateway: Gateway
    app: Application
    port: int
    log: pathlib.Path  # The access log.

    def clients(self, path):
        """Who has asked for that, by the log, as often as he did."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line["client"] for line in lines if line["path"] == path
                and line["type"] != "stream_end"]


def start_gateway(start, name, app, heartbeat, log):
    """The example's listeners, with a hub, an echo of the request, and a way in for publishers."""
    settings = settings_of(
        name, hub=HUB, heartbeat={"interval": heartbeat, "jitter": "0s"},
        route=[{"path": "/echo", "upstream": app.url}], access_log={"file": str(log)})
    settings["listen"].append({"address": "127.0.0.1:0", "tls": False})
    gateway = start(**settings)
    gateway.clear = gateway.ports[-2]  # The publishers'.
    return gateway


def haproxy_tcp(folder, gateway, certificate, idle):
    return haproxy(folder, example("haproxy-tcp.cfg", {
        **HERE, ":8443": f":{gateway.ports[0]}",
        "port 9090": f"port {gateway.admin}", r"(?<=timeout client  )60s": idle,
        r"(?<=timeout server  )60s": idle}))


def haproxy_http2(folder, gateway, certificate, idle):
    pem = folder / "site.pem"
    pem.write_bytes(b"".join((certificate / name).read_bytes() for name in ("cert.pem", "key.pem")))
    return haproxy(folder, example("haproxy-http2.cfg", {
        **HERE, "/etc/haproxy/site.pem": str(pem),
        ":8080": f":{gateway.ports[0]}", "port 9090": f"port {gateway.admin}",
        r"(?<=timeout client  )60s": idle, r"(?<=timeout server  )60s": idle,
        r"(?<=timeout http-keep-alive )60s": idle}))


def nginx_http1(folder, gateway, certificate, idle):
    return nginx(folder, example("nginx.conf", {
        r"^ *server 10\.0\.1\.12.*\n": "", r"10\.0\.1\.11:8080": f"127.0.0.1:{gateway.ports[0]}",
        "listen 443": "listen 127.0.0.1:PORT",
        r"^http \{": "http {\n  access_log off;",
        "worker_rlimit_nofile 200000": "worker_rlimit_nofile 8192",
        "worker_connections 50000": "worker_connections 4096",
        "/etc/nginx/site.pem": str(certificate / "cert.pem"),
        "/etc/nginx/site.key": str(certificate / "key.pem"),
        r"(?<=proxy_read_timeout )60s": idle, r"(?<=proxy_send_timeout )60s": idle}))


BALANCERS = {"haproxy-tcp": haproxy_tcp, "haproxy-http2": haproxy_http2, "nginx": nginx_http1}


@pytest.fixture
def put_behind(start, certificate, tmp_path):
    """put_behind("nginx", heartbeat="1s") is a context with a Behind."""
    @contextlib.contextmanager
    def begin(name, heartbeat="1s"):
        with Application() as app:
            @app.at("/*")
            async def echo(exchange):
                await exchange.reply(200, b"here")

            gateway = start_gateway(start, f"{name}.toml", app, heartbeat, tmp_path / "access.log")
            with BALANCERS[name](tmp_path, gateway, certificate, f"{IDLE}s") as port:
                yield Behind(gateway, app, port, tmp_path / "access.log")

    return begin


EACH = pytest.mark.parametrize("balancer", BALANCERS)


def curl(port, *options):
    done = subprocess.run(["curl", "-sk", "--http2", "--max-time", "10", "--interface", CLIENT,
                           *options, f"https://127.0.0.1:{port}/echo"],
                          capture_output=True, timeout=20)
    return done.stdout.decode()


@EACH
def test_a_thousand_streams_outlive_the_balancers_idle_timeout(put_behind, balancer):
    with put_behind(balancer, heartbeat="1s") as site:
        sources = [f"127.0.0.{20 + i}" for i in range(10)]
        with Crowd(site.port, sources, 100, "/events/balanced") as crowd:
            crowd.wait_for(b"retry:", "every stream is open")
            end = time.monotonic() + STAY
            wait_until(lambda: crowd.endings or time.monotonic() > end, "staying", STAY + 5)
            assert crowd.endings == []
            assert crowd.heartbeats() >= IDLE  # One a second is due.
            site.gateway.publish("balanced", "still here")
            crowd.wait_for(b"data: still here", "an event on every stream")
            wait_until(lambda: len(site.clients("/events/balanced")) >= crowd.size, "the log")
        assert Counter(site.clients("/events/balanced")) == dict.fromkeys(sources, 100)


@EACH
def test_without_heartbeats_the_balancer_would_have_cut_them(put_behind, balancer):
    with put_behind(balancer, heartbeat="1m") as site:
        with Crowd(site.port, [CLIENT], 5, "/events/silent") as crowd:
            crowd.wait_for(b"retry:", "every stream is open")
            wait_until(lambda: len(crowd.endings) == crowd.size,
                       "the balancer cuts silent streams", IDLE + 10)


@EACH
def test_the_clients_own_address_is_seen_and_none_that_it_claims(put_behind, balancer):
    with put_behind(balancer) as site:
        assert curl(site.port) == "here"
        assert site.app.requests[-1].header("x-real-ip") == CLIENT
        assert site.app.requests[-1].header("x-forwarded-proto") == "https"
        assert curl(site.port, "-H", f"x-forwarded-for: {SPOOFED}", "-H", f"x-real-ip: {SPOOFED}",
                    "-H", f"forwarded: for={SPOOFED};proto=http") == "here"
        asked = site.app.requests[-1]
        assert asked.header("x-real-ip") == CLIENT
        assert SPOOFED not in asked.header("x-forwarded-for")
        assert SPOOFED not in asked.header("forwarded")
        wait_until(lambda: len(site.clients("/echo")) == 2, "the log")
        assert site.clients("/echo") == [CLIENT, CLIENT]


@pytest.mark.parametrize("balancer", ["haproxy-http2", "nginx"])
def test_who_goes_round_the_balancer_is_not_believed(put_behind, balancer):
    with put_behind(balancer) as site:
        done = subprocess.run(
            ["curl", "-s", "--max-time", "10", "--interface", CLIENT, "-H",
             f"x-forwarded-for: {SPOOFED}", f"http://127.0.0.1:{site.gateway.ports[0]}/echo"],
            capture_output=True, timeout=20)
        assert done.stdout == b"here"
        assert site.app.requests[-1].header("x-real-ip") == CLIENT
        assert site.app.requests[-1].header("x-forwarded-for") == CLIENT
        wait_until(lambda: site.clients("/echo") == [CLIENT], "the log")


def test_who_goes_round_the_balancer_with_a_proxy_header_is_refused(put_behind):
    with put_behind("haproxy-tcp") as site:
        assert ask(site.gateway.ports[0], SPOOFED_HEADER, source=CLIENT) == b""
        assert site.gateway.metric("sluice_connections_closed_total", reason="proxy_header") == 1
        assert site.app.requests == []


def test_a_proxy_header_of_a_client_is_no_header_behind_haproxy(put_behind):
    """HAProxy's own stands before it, and so it is taken for TLS, which it is not."""
    with put_behind("haproxy-tcp") as site:
        assert b"HTTP/1.1" not in ask(site.port, SPOOFED_HEADER, source=CLIENT)
        assert site.app.requests == []
