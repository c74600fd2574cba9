"""What is measured, and how it is started."""
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

from harness.process import Failure, Process

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


def token(config):
    """A JWT that may publish anything, signed with the first publisher key of the gateway."""
    secret = tomllib.loads(config.read_text())["hub"]["publisher_keys"][0]["secret"]

    def part(raw):
        return base64.urlsafe_b64encode(raw).rstrip(b"=")

    claims = {"mercure": {"publish": ["*"]}, "exp": int(time.time()) + 86400}
    text = part(b'{"alg":"HS256","typ":"JWT"}') + b"." + part(json.dumps(claims).encode())
    return (text + b"." + part(hmac.digest(secret.encode(), text, hashlib.sha256))).decode()


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
    """A fresh `system` for the time of the `with`, pinned to core 0 or those of the scenario."""
    # The programs that speak to Sluice alone know its paths.
    path = args.path if scenario.get("program", "load") == "load" else ""
    command = command_of(system, scenario, args, folder)
    with Process(command, folder, scenario.get("cores", "0")) as server:
        urls = server.ready_urls()
        secure = next(url for url in urls if url.startswith("https://"))
        clear = next(url for url in urls if url.startswith("http://"))
        yield Running(secure + path, clear + path, [server.pid], server.said, token(args.config))


def require_programs(program, systems, args):
    """Fails at once, with the line that says what to do, when something is not there."""
    for system in systems:
        if system not in OWN:
            raise Failure(f"unknown system {system!r}: {', '.join(OWN)}")
    needed = [args.build / "bench" / program]
    needed += [args.gateway] if HISTORIES.keys() & set(systems) else []
    needed += [args.floor] if FLOORS.keys() & set(systems) else []
    for program in needed:
        if not program.exists():
            raise Failure(f"{program} is missing: ninja -C {args.build} builds it")
