"""Two servers on Node's http2: by the library better-sse, and by hand."""
import contextlib
import json
import subprocess

from harness.machine import output_of
from harness.process import Failure, Process
from harness.systems import Running
from peers.peer import CHANNEL, HERE, Peer, found

HOME = HERE / "node"


class NodePeer(Peer):
    script = ""

    def is_installed(self):
        return found("node")

    def versions(self):
        return "Node " + output_of(found("node"), "--version")

    def install(self):
        if not found("node"):
            super().install()
        print(f"node {output_of(found('node'), '--version')}")

    @contextlib.contextmanager
    def running(self, folder, keys):
        command = [found("node"), HOME / self.script, keys / "cert.pem", keys / "key.pem"]
        with Process(command, folder) as server:
            secure, clear = server.ready_urls()
            yield Running(f"{secure}/sub/{CHANNEL}", f"{clear}/pub/{CHANNEL}", server.pids,
                          server.said)


class NodeBetterSse(NodePeer):
    name = "node"
    title = "Node with better-sse"
    packages = ("nodejs", "npm")
    script = "better-sse.mjs"
    library = HOME / "node_modules" / "better-sse" / "package.json"

    def is_installed(self):
        return super().is_installed() and self.library.exists()

    def versions(self):
        return f"{super().versions()}, better-sse {json.loads(self.library.read_text())['version']}"

    def install(self):
        super().install()
        if not found("npm"):
            raise Failure("npm is missing: it comes with Node, or with Debian's package npm")
        command = [found("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        print("$", " ".join(command), f"(in {HOME})", flush=True)
        if subprocess.run(command, cwd=HOME, check=False).returncode != 0:
            raise Failure("npm failed")


class NodeByHand(NodePeer):
    name = "node-by-hand"
    title = "Node by hand"
    packages = ("nodejs",)
    script = "by-hand.mjs"
