"""Instances of the gateway that share a journal in Redis, and that Redis.

A scenario's table [engine] says how many there are (`instances`), where events are posted
(`publish`: "other" is the second one, "all" all of them) and which are measured (`measured`:
"reader" is the first one, where streams are read, "all" all of them). Redis and the load generator
have a core in common, and all instances have the other one.
"""
import contextlib
import shutil
import socket
import time

from harness.machine import output_of
from harness.process import PAUSE, START_LIMIT, Failure, Process, free_ports
from harness.systems import ENGINES, Running, publisher_secret, serve, signed_token

USUAL = {"instances": 3, "publish": "other", "measured": "all"}
REDIS_CORE = 1
SERVER = "redis-server"
KEYS = ("cert.pem", "key.pem")


def require():
    if not shutil.which(SERVER):
        raise Failure(f"{SERVER} is missing: apt-get install {SERVER}, and systemctl disable --now "
                      f"{SERVER}, which nobody needs here")


def asked(scenario):
    return {**USUAL, **scenario.get("engine", {})}


def version(system, scenario):
    """A line: which Redis, and what stands where."""
    words = output_of(SERVER, "--version").split()
    number = next((word[2:] for word in words if word.startswith("v=")), "?")
    return (f"{asked(scenario)['instances']} instances on core {scenario.get('cores', 0)}; Redis "
            f"{number} (appendonly, appendfsync {ENGINES[system]}, no rewriting) and the load on "
            f"core {REDIS_CORE}")


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as link:
        link.sendall(b"PING\r\n")
        return link.recv(16).startswith(b"+PONG")
    return False


@contextlib.contextmanager
def redis(sync, folder):
    """A fresh Redis for the time of the `with`; yields its port and its process."""
    home = emptied(folder / "redis")
    port, = free_ports(1)
    command = [SERVER, "--port", port, "--bind", "127.0.0.1", "--dir", home, "--save", "",
               "--appendonly", "yes", "--appendfsync", sync, "--auto-aof-rewrite-percentage", 0]
    with Process(command, home, REDIS_CORE, is_announcing=False) as process:
        deadline = time.monotonic() + START_LIMIT
        while not answers(port):
            if process.has_ended() or time.monotonic() > deadline:
                raise Failure(f"{SERVER} did not become ready: {process.said()}")
            time.sleep(PAUSE)
        yield port, process


def emptied(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def instance(number, port, scenario, args, folder):
    """The process of one of them, not started yet."""
    home = emptied(folder / f"instance-{number}")
    for key in KEYS:
        shutil.copy(folder / key, home / key)
    history = {"journal": "redis", "url": f"redis://127.0.0.1:{port}/0"}
    return Process(serve(scenario, history, args, home), home, scenario.get("cores", 0))


@contextlib.contextmanager
def running(system, scenario, args, folder):
    """Fresh instances and a fresh Redis, for the time of the `with`."""
    wanted = asked(scenario)
    path = args.path if scenario.get("program", "load") == "load" else ""
    with contextlib.ExitStack() as stack:
        port, database = stack.enter_context(redis(ENGINES[system], folder))
        instances = [stack.enter_context(instance(number, port, scenario, args, folder))
                     for number in range(wanted["instances"])]
        urls = [each.ready_urls() for each in instances]
        publish = urls if wanted["publish"] == "all" else [urls[1 % len(urls)]]
        measured = instances if wanted["measured"] == "all" else instances[:1]
        yield Running(
            subscribe=urls[0][0] + path,
            publish=",".join(clear + path for _, clear in publish),
            pids=[pid for each in measured for pid in each.pids],
            said=lambda: "".join(each.said() for each in [*instances, database]),
            token=signed_token(publisher_secret(args.config)), redis_port=port)
