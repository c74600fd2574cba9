"""nginx with the module Nchan."""
import contextlib
import pathlib

from harness.process import free_ports
from harness.systems import Running
from peers.peer import CHANNEL, Peer, found, nginx, wait_for_answer

MODULE = pathlib.Path("/usr/lib/nginx/modules/ngx_nchan_module.so")


class Nchan(Peer):
    name = "nchan"
    title = "nginx with Nchan"
    packages = ("nginx", "libnginx-mod-nchan")

    def is_installed(self):
        return found("nginx") and MODULE.exists()

    @contextlib.contextmanager
    def running(self, folder, keys):
        subscribe, publish = free_ports(2)
        with nginx("nchan.conf", folder, keys, module=MODULE, subscribe=subscribe,
                   publish=publish) as server:
            wait_for_answer(f"http://127.0.0.1:{publish}/pub/nobody", server)
            yield Running(f"https://127.0.0.1:{subscribe}/sub/{CHANNEL}",
                          f"http://127.0.0.1:{publish}/pub/{CHANNEL}", server.pids, server.said)
