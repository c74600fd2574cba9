"""Servers that Sluice is measured beside, each with a good configuration of its own kind."""
from peers.mercure import Mercure
from peers.nchan import Nchan
from peers.node_http2 import NodeBetterSse, NodeByHand
from peers.pushpin import Pushpin

PEERS = {peer.name: peer for peer in (Nchan(), Pushpin(), NodeBetterSse(), NodeByHand(), Mercure())}
