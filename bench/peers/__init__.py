"""Servers that Sluice is measured beside, each with a good configuration of its own kind."""
from peers.mercure import Mercure
from peers.nchan import Nchan
from peers.node_http2 import NodeBetterSse, NodeByHand
from peers.pushpin import Pushpin
from peers.relays import Caddy, H2o, HAProxy, Nghttpx, Nginx

HUBS = (Nchan(), Pushpin(), NodeBetterSse(), NodeByHand(), Mercure())
RELAYS = (Nginx(), HAProxy(), Nghttpx(), H2o(), Caddy())
PEERS = {peer.name: peer for peer in (*HUBS, *RELAYS)}
