"""Proxies that relay an application's streams, each as its own people would set it up for them: an
answer's bytes are passed on as they come, nothing is logged, nobody is timed out, one thread."""
import contextlib
import urllib.parse

from harness.process import Process, free_ports
from harness.systems import Running, relayed
from peers.peer import Peer, found, nginx, wait_for_answer, write_config


class Relay(Peer):
    is_relay = True
    program = ""

    def is_installed(self):
        return found(self.program)

    @contextlib.contextmanager
    def running(self, folder, keys, relay):
        """`relay`: the application's address as `upstream`, and `protocol` where it is asked by
        another than HTTP/1.1."""
        port, = free_ports(1)
        values = {"port": port, "upstream": urllib.parse.urlsplit(relay["upstream"]).netloc,
                  "certificate": keys / "cert.pem", "key": keys / "key.pem"}
        with self.started(folder, keys, values, relay.get("protocol") == "h2") as server:
            secure = f"https://127.0.0.1:{port}"
            wait_for_answer(secure + "/", server)
            yield Running(*relayed(secure, relay), server.pids, server.said)

    def started(self, folder, keys, values, is_h2):
        """A process that will be ready. `values` are for its configuration; `is_h2`: what it speaks
        to the application, where it can."""
        raise NotImplementedError


class Nginx(Relay):
    name = "nginx"
    title = "nginx"
    packages = ("nginx",)
    program = "nginx"

    def started(self, folder, keys, values, is_h2):
        return nginx("nginx-relay.conf", folder, keys, port=values["port"],
                     upstream=values["upstream"])


class HAProxy(Relay):
    name = "haproxy"
    title = "HAProxy"
    packages = ("haproxy",)
    program = "haproxy"

    def started(self, folder, keys, values, is_h2):
        both = folder / "both.pem"
        both.write_text(values["certificate"].read_text() + values["key"].read_text())
        config = write_config("haproxy.cfg", folder, both=both, port=values["port"],
                              upstream=values["upstream"], protocol="proto h2" if is_h2 else "")
        return Process([found("haproxy"), "-db", "-f", config], folder, is_announcing=False)


class Nghttpx(Relay):
    name = "nghttpx"
    title = "nghttpx"
    packages = ("nghttp2-proxy",)
    program = "nghttpx"

    def started(self, folder, keys, values, is_h2):
        values["upstream"] = values["upstream"].replace(":", ",")
        config = write_config("nghttpx.conf", folder, **values,
                              protocol=";;proto=h2" if is_h2 else "")
        return Process([found("nghttpx"), f"--conf={config}"], folder, is_announcing=False)


class H2o(Relay):
    name = "h2o"
    title = "h2o"
    packages = ("h2o",)
    program = "h2o"

    def started(self, folder, keys, values, is_h2):
        config = write_config("h2o.conf", folder, **values)
        return Process([found("h2o"), "-c", config], folder, is_announcing=False)


class Caddy(Relay):
    name = "caddy"
    title = "Caddy"
    packages = ("caddy",)
    program = "caddy"

    def started(self, folder, keys, values, is_h2):
        config = write_config("Caddyfile-relay", folder, **values,
                              versions="h2c" if is_h2 else "1.1")
        # Go takes as many threads as it is given cores: one.
        command = [found("caddy"), "run", "--config", config, "--adapter", "caddyfile"]
        return Process(command, folder, is_announcing=False)
