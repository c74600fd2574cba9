"""The floors and the gateway, and how they are started."""
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
from harness.scenarios import is_of_relays

FLOOR_PROXY = "floor-proxy"
FLOORS = {"floor": "off", "floor-batch": "on"}

# The gateway with one history or another, beside what its configuration says of it.
HISTORIES = {
    "sluice": {},
    "sluice-file": {"journal": "file", "path": "history", "sync": "always"},
    "sluice-interval": {"journal": "file", "path": "history", "sync": "interval"},
}
# Instances of it that share a journal in Redis, by how that syncs its file: engine.py.
ENGINES = {"sluice-redis": "everysec", "sluice-redis-always": "always"}
SLUICES = [*HISTORIES, *ENGINES]
OWN = [*FLOORS, FLOOR_PROXY, *SLUICES]


@dataclasses.dataclass
class Running:
    """A system that is ready."""
    subscribe: str  # where streams are asked for, https
    publish: str  # where events are posted, http; empty: nowhere
    pids: list  # all its processes, or those that are measured
    said: object  # what it had to say so far, when called
    token: str = ""  # that its publishers show
    redis_port: int = 0  # of the Redis that several of it share; 0: none


def signed_token(secret):
    """A JWT that may publish anything, for the hub whose publishers have that HS256 secret."""
    def part(raw):
        return base64.urlsafe_b64encode(raw).rstrip(b"=")

    claims = {"mercure": {"publish": ["*"]}, "exp": int(time.time()) + 86400}
    text = part(b'{"alg":"HS256","typ":"JWT"}') + b"." + part(json.dumps(claims).encode())
    return (text + b"." + part(hmac.digest(secret.encode(), text, hashlib.sha256))).decode()


def publisher_secret(config):
    return tomllib.loads(config.read_text())["hub"]["publisher_keys"][0]["secret"]


def toml_of(table):
    """Its lines. A string, a number or a truth is the same in JSON and in TOML."""
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())


def configure(config, tables, copy, routes=()):
    """A copy of the gateway's configuration in which some tables say something else, and which
    has these routes to applications."""
    text = config.read_text()
    for name, ours in tables.items():
        table = {**tomllib.loads(text).get(name, {}), **ours}
        rest = re.sub(rf"^\[{name}\]\n([^\[\n].*\n|\n)*", "", text, flags=re.MULTILINE)
        text = f"{rest}\n[{name}]\n{toml_of(table)}"
    copy.write_text(text + "".join(f"\n[[route]]\n{toml_of(route)}" for route in routes))


def relayed(secure, relay):
    """Through a relay at that address: where streams are asked for, and where events are posted.
    A stream of its own says what it wants behind that path; one that is shared gets what is
    posted to the application."""
    if relay.get("share"):
        return f"{secure}/app/posted?greet=on", f"{relay['upstream']}/app/posted"
    return f"{secure}/app/events", ""


def command_of(system, scenario, args, folder):
    if system in FLOORS:
        return [args.floor, "--cert", folder / "cert.pem", "--key", folder / "key.pem",
                "--batch", FLOORS[system]]
    if system == FLOOR_PROXY:
        return [args.build / "bench" / "floor_proxy", "--cert", folder / "cert.pem", "--key",
                folder / "key.pem", "--upstream", scenario["relay"]["upstream"]]
    shutil.rmtree(folder / "history", ignore_errors=True)
    return serve(scenario, HISTORIES[system], args, folder)


def serve(scenario, history, args, folder):
    """How the gateway is started, with that history; its configuration is put into the folder."""
    tables = scenario.get("gateway", {})
    routes = [{"path": "/app/*", **scenario["relay"]}] if is_of_relays(scenario) else []
    configure(args.config, {**tables, "history": {**tables.get("history", {}), **history}},
              folder / "sluice.toml", routes)
    return [args.gateway, "serve", "--config", folder / "sluice.toml"]


@contextlib.contextmanager
def running(system, scenario, args, folder):
    """A fresh `system`, pinned to core 0 or those of the scenario, for the time of the `with`."""
    # The programs that speak to Sluice alone know its paths.
    path = args.path if scenario.get("program", "load") == "load" else ""
    command = command_of(system, scenario, args, folder)
    with Process(command, folder, scenario.get("cores", 0)) as server:
        secure, clear = server.ready_urls()
        subscribe, publish = secure + path, clear + path
        if is_of_relays(scenario) and system not in FLOORS:
            subscribe, publish = relayed(secure, scenario["relay"])
        yield Running(subscribe, publish, server.pids, server.said,
                      signed_token(publisher_secret(args.config)))
