"""The real balancers, with the configurations that docs/deploy/examples shows.

What a test must change of an example (addresses, files, times) it names; whatever it names has to be
there, so that no test goes on with less than what the example says.
"""

import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tomllib

from harness import wait_until

EXAMPLES = pathlib.Path(__file__).parents[2] / "docs/deploy/examples"


def program(name):
    path = shutil.which(name, path="/usr/sbin:/usr/bin:" + os.environ.get("PATH", ""))
    assert path, f"{name} is not installed"
    return path


def changed(text, changes):
    """`text` with every pattern of `changes` replaced, wherever it is."""
    for pattern, replacement in changes.items():
        text, count = re.subn(pattern, lambda _, put=replacement: put, text, flags=re.MULTILINE)
        assert count, f"the example has no {pattern!r}"
    return text


def example(name, changes):
    return changed((EXAMPLES / name).read_text(), changes)


def settings_of(name, **sections):
    """What harness.Gateway starts with: an example, on addresses of this machine, with `sections`
    laid over it."""
    settings = tomllib.loads((EXAMPLES / name).read_text())
    for listen in settings["listen"]:
        listen["address"] = "127.0.0.1:0"
    settings["admin"]["address"] = "127.0.0.1:0"
    settings["server"]["trusted_proxies"] = ["127.0.0.1"]
    for section, values in sections.items():
        if isinstance(values, dict):
            settings[section] = {**settings.get(section, {}), **values}
        else:
            settings[section] = values
    return settings


@contextlib.contextmanager
def running(folder, command, **options):
    """What it says is in balancer.txt, and is shown when the test fails."""
    log = folder / "balancer.txt"
    with open(log, "wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, **options)
    try:
        yield process
        assert process.poll() is None, f"{command[0]} ended by itself"
    finally:
        process.terminate()  # Both end at once, with all their processes.
        process.wait(10)
        print(log.read_text(errors="replace"))


@contextlib.contextmanager
def listening_socket():
    """One that a balancer inherits. It must not block: nginx takes it as it is, and of two workers
    that wake for one connection the later would wait in accept(), with all its streams, until
    another comes."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
        listening.setblocking(False)
        yield listening


@contextlib.contextmanager
def haproxy(folder, text):
    """The port of a balancer whose configuration has FD where its listening socket comes: it is
    made here, so it has one."""
    with listening_socket() as listening:
        file = folder / "haproxy.cfg"
        file.write_text(text.replace("FD", f"fd@{listening.fileno()}"))
        with running(folder, [program("haproxy"), "-db", "-f", str(file)],
                     pass_fds=[listening.fileno()]):
            yield listening.getsockname()[1]


@contextlib.contextmanager
def inherited_by_nginx():
    """A port, and what nginx is started with to take it over: it knows sockets that it inherits by
    their addresses."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
        fd = listening.fileno()
        yield listening.getsockname()[1], {"pass_fds": [fd],
                                           "env": {**os.environ, "NGINX": f"{fd};"}}


@contextlib.contextmanager
def nginx(folder, text):
    """The same for nginx, where PORT stands for the port."""
    with inherited_by_nginx() as (port, options):
        file = folder / "nginx.conf"
        own = f"daemon off;\npid {folder}/nginx.pid;\nerror_log stderr warn;\n"
        file.write_text(own + text.replace("PORT", str(port)))
        with running(folder, [program("nginx"), "-p", str(folder), "-c", str(file), "-e", "stderr"],
                     **options) as process:
            wait_until(lambda: process.poll() is not None or (folder / "nginx.pid").exists(),
                       "nginx has started")
            assert process.poll() is None, "nginx ended at once"
            yield port


def ask(port, header, source="127.0.0.1"):
    """What comes back to a PROXY header and a request behind it, to the end."""
    with socket.create_connection(("127.0.0.1", port), 10, (source, 0)) as caller:
        caller.sendall(header + b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        answer = b""
        while chunk := caller.recv(4096):
            answer += chunk
        return answer
