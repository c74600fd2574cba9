"""The reference Mercure hub, as a module of Caddy."""
import contextlib
import os
import re
import secrets
import subprocess

from harness.machine import output_of
from harness.process import Failure, Process, free_ports
from harness.systems import Running, signed_token
from peers.peer import CACHE, CHANNEL, PATH, Peer, found, nginx, wait_for_answer, write_config

VERSION = "v0.24.2"
CADDY = "v2.11.9"
LEAST_GO = (1, 26)
BUILT = CACHE / "mercure" / "mercure"
MAIN = """package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	_ "github.com/dunglas/mercure/caddy"
)

func main() { caddycmd.Main() }
"""


def program():
    """The hub that was built here, or one on the PATH."""
    return BUILT if BUILT.exists() else found("mercure")


class Mercure(Peer):
    name = "mercure"
    title = "Mercure's reference hub"
    packages = ("nginx",)

    def is_installed(self):
        return program() and found("nginx")

    def versions(self):
        return (f"mercure {VERSION}, Caddy {CADDY}" if BUILT.exists()
                else f"mercure {output_of(program(), 'version')}")

    def install(self):
        super().install()
        if program():
            print(f"there already: {program()}")
            return
        needed = (f"mercure needs a hub on the PATH (mercure.rocks/docs/hub/install), or Go ≥ "
                  f"{'.'.join(map(str, LEAST_GO))} and its module proxy to build {VERSION}")
        version = re.search(r"go(\d+)\.(\d+)", output_of(found("go") or "go", "version"))
        if not version or tuple(map(int, version.groups())) < LEAST_GO:
            raise Failure(needed)
        folder = BUILT.parent
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "main.go").write_text(MAIN)
        (folder / "go.mod").write_text("module mercure\n")
        print("building it takes minutes")
        for words in (["get", f"github.com/dunglas/mercure/caddy@{VERSION}",
                       f"github.com/caddyserver/caddy/v2@{CADDY}"],
                      ["build", "-mod=mod", "-o", BUILT, "."]):
            command = [found("go"), *map(str, words)]
            print("$", " ".join(command), f"(in {folder})", flush=True)
            if subprocess.run(command, cwd=folder, env={**os.environ, "PATH": PATH},
                              check=False).returncode != 0:
                raise Failure(needed)

    @contextlib.contextmanager
    def running(self, folder, keys):
        port, back_end = free_ports(2)
        secret = secrets.token_hex(32)
        config = write_config("Caddyfile", folder, home=folder, port=port, secret=secret,
                              certificate=keys / "cert.pem", key=keys / "key.pem")
        # Go takes as many threads as it is given cores: one.
        command = [program(), "run", "--config", config, "--adapter", "caddyfile"]
        hub = f"https://127.0.0.1:{port}/.well-known/mercure"
        with (nginx("mercure-back-end.conf", folder, keys, core=1, back_end=back_end, port=port),
              Process(command, folder, is_announcing=False) as server):
            wait_for_answer(hub, server)
            yield Running(f"{hub}?topic={CHANNEL}", f"http://127.0.0.1:{back_end}/pub/{CHANNEL}",
                          server.pids, server.said, signed_token(secret))
