"""What a peer is, and what several of them need."""
import contextlib
import http.client
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import time

from harness.machine import output_of
from harness.process import PAUSE, START_LIMIT, Failure, Process

HERE = pathlib.Path(__file__).resolve().parent
CACHE = HERE / ".cache"
CHANNEL = "bench"  # what all streams of a run read
# Debian keeps nginx where only root's PATH leads.
PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/go/bin"])


class Peer:
    """A server of others. There is one object of each kind, and it has no state."""
    name = ""
    title = ""  # for people
    packages = ()  # of Debian
    is_relay = False  # or a hub
    load = {}  # options of bench/load that it needs, whatever the scenario says

    def is_installed(self):
        raise NotImplementedError

    def versions(self):
        """What was measured, for the record: a line."""
        found = output_of("dpkg-query", "-W", "-f", "${Package} ${Version}, ", *self.packages)
        return found.rstrip(", ")

    def install(self):
        """Gets what is missing. Says what it does, and fails with one line."""
        install_packages(self.packages)

    @contextlib.contextmanager
    def running(self, folder, keys):
        """A fresh server for the time of the `with`, its files in `folder`, which is empty; `keys`
        holds cert.pem and key.pem. Yields a harness.systems.Running."""
        raise NotImplementedError


def found(command):
    return shutil.which(command, path=PATH)


def install_packages(packages):
    installed = output_of("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *packages)
    missing = [package for package in packages if f"{package} installed" not in installed]
    if not missing:
        print(f"there already: {' '.join(packages)}")
        return
    if not found("apt-get"):
        raise Failure(f"no Debian: install {' '.join(missing)} in another way")
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    command = [*sudo, "apt-get", "install", "-y", "--no-install-recommends", *missing]
    print("$", " ".join(command), flush=True)
    if subprocess.run(command, check=False).returncode != 0:
        raise Failure("apt-get failed; its lists may be old: apt-get update")


def write_config(template, folder, name=None, **values):
    """bench/peers/config/TEMPLATE with each @key@ replaced, as FOLDER/NAME."""
    text = (HERE / "config" / template).read_text()
    file = folder / (name or template)
    file.write_text(re.sub(r"@(\w+)@", lambda key: str(values[key[1]]), text))
    return file


def wait_for_answer(url, process):
    """Until the server answers, with whatever status, and the answer's first byte is there."""
    secure = ssl.create_default_context()
    secure.check_hostname = False
    secure.verify_mode = ssl.CERT_NONE
    scheme, _, rest = url.partition("://")
    address, _, path = rest.partition("/")
    deadline = time.monotonic() + START_LIMIT
    while True:
        try:
            connection = (http.client.HTTPSConnection(address, timeout=2, context=secure)
                          if scheme == "https" else http.client.HTTPConnection(address, timeout=2))
            with contextlib.closing(connection):
                connection.request("GET", "/" + path)
                connection.getresponse().read(1)
            return
        except (OSError, http.client.HTTPException) as error:
            if process.has_ended() or time.monotonic() > deadline:
                raise Failure(f"{process.name} did not become ready: {error}\n"
                              f"{process.said()}") from error
            time.sleep(PAUSE)


@contextlib.contextmanager
def nginx(template, folder, keys, core=0, **values):
    """An nginx with that configuration in a folder of its own below `folder`."""
    home = folder / template.removesuffix(".conf")
    (home / "temporary").mkdir(parents=True)
    write_config("nginx-http.conf", home, certificate=keys / "cert.pem", key=keys / "key.pem")
    config = write_config(template, home, **values)
    command = [found("nginx"), "-e", "stderr", "-p", home, "-c", config]
    with Process(command, home, core, is_announcing=False) as process:
        yield process
