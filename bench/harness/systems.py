"""The floor and the gateway, and how they are started."""
import base64
import contextlib
import dataclasses
import hashlib
import hmac
import json
import re
import shutil
import time
import tomllib

from harness.process import Process

FLOORS = {"floor": "off", "floor-batch": "on"}

# The gateway with one history or another, beside what its configuration says of it.
HISTORIES = {
    "sluice": {},
    "sluice-file": {"journal": "file", "path": "history", "sync": "always"},
    "sluice-interval": {"journal": "file", "path": "history", "sync": "interval"},
}
OWN = [*FLOORS, *HISTORIES]


@dataclasses.dataclass
class Running:
    """A system that is ready."""
    subscribe: str  # where streams are asked for, https
    publish: str  # where events are posted, http
    pids: list  # all its processes
    said: object  # what it had to say so far, when called
    token: str = ""  # that its publishers show


def signed_token(secret):
    """A JWT that may publish anything, for the hub whose publishers have that HS256 secret."""
    def part(raw):
        return base64.urlsafe_b64encode(raw).rstrip(b"=")

    claims = {"mercure": {"publish": ["*"]}, "exp": int(time.time()) + 86400}
    text = part(b'{"alg":"HS256","typ":"JWT"}') + b"." + part(json.dumps(claims).encode())
    return (text + b"." + part(hmac.digest(secret.encode(), text, hashlib.sha256))).decode()


def publisher_secret(config):
    return tomllib.loads(config.read_text())["hub"]["publisher_keys"][0]["secret"]


def configure(config, tables, copy):
    """A copy of the gateway's configuration in which some tables say something else."""
    text = config.read_text()
    for name, ours in tables.items():
        table = {**tomllib.loads(text).get(name, {}), **ours}
        rest = re.sub(rf"^\[{name}\]\n([^\[\n].*\n|\n)*", "", text, flags=re.MULTILINE)
        # A string or a number is the same in JSON and in TOML.
        lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
        text = f"{rest}\n[{name}]\n{lines}"
    copy.write_text(text)


def command_of(system, scenario, args, folder):
    if system in FLOORS:
        return [args.floor, "--cert", folder / "cert.pem", "--key", folder / "key.pem",
                "--batch", FLOORS[system]]
    shutil.rmtree(folder / "history", ignore_errors=True)
    tables = scenario.get("gateway", {})
    history = {**tables.get("history", {}), **HISTORIES[system]}
    configure(args.config, {**tables, "history": history}, folder / "sluice.toml")
    return [args.gateway, "serve", "--config", folder / "sluice.toml"]


@contextlib.contextmanager
def running(system, scenario, args, folder):
    """A fresh `system`, pinned to core 0 or those of the scenario, for the time of the `with`."""
    # The programs that speak to Sluice alone know its paths.
    path = args.path if scenario.get("program", "load") == "load" else ""
    command = command_of(system, scenario, args, folder)
    with Process(command, folder, scenario.get("cores", 0)) as server:
        secure, clear = server.ready_urls()
        yield Running(secure + path, clear + path, server.pids, server.said,
                      signed_token(publisher_secret(args.config)))
