"""Pushpin, with nginx in front for HTTP/2 and TLS 1.3, and nginx as the back end behind it."""
import contextlib
import pathlib
import re

from harness.process import Process, free_ports
from harness.systems import Running
from peers.peer import CHANNEL, Peer, found, nginx, wait_for_answer, write_config

INTERNAL = pathlib.Path("/usr/lib/pushpin/internal.conf")  # the same in each installation


class Pushpin(Peer):
    name = "pushpin"
    title = "Pushpin behind nginx"
    packages = ("nginx", "pushpin", "condure", "zurl")
    # When connections come 64 at once, it cancels about one stream in a hundred as "received
    # message out of sequence".
    load = {"connecting": 1}

    def is_installed(self):
        return found("nginx") and found("pushpin") and found("zurl") and INTERNAL.exists()

    @contextlib.contextmanager
    def running(self, folder, keys):
        subscribe, entrance, publish, back_end, *rest = free_ports(7)
        ports = dict(zip(("push_in", "push_in_sub", "command"), rest))
        self.configure(folder, entrance, publish, back_end, ports)
        with (nginx("pushpin-back-end.conf", folder, keys, core=1, back_end=back_end,
                    publish=publish),
              nginx("front.conf", folder, keys, subscribe=subscribe, pushpin=entrance) as front,
              Process([found("pushpin"), "--merge-output", "--config", folder / "pushpin.conf"],
                      folder, is_announcing=False) as server):
            url = f"https://127.0.0.1:{subscribe}/sub/"
            wait_for_answer(url + "nobody", server)
            yield Running(url + CHANNEL, f"http://127.0.0.1:{back_end}/pub/{CHANNEL}",
                          front.pids + server.pids, server.said)

    @staticmethod
    def configure(folder, entrance, publish, back_end, ports):
        write_config("pushpin.conf", folder, home=folder, pushpin=entrance, publish=publish,
                     **ports)
        (folder / "routes").write_text(f"* 127.0.0.1:{back_end}\n")
        # Debian runs one zurl for all, in /var/run; here Pushpin starts its own.
        internal = re.sub(r"ipc:///var/run/zurl/", "ipc://{rundir}/{ipc_prefix}",
                          INTERNAL.read_text())
        (folder / "internal.conf").write_text(internal)
