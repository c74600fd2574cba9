"""What systems are called where people read of them."""
from peers import PEERS

NAMES = {"floor": "floor", "floor-batch": "floor, batched", "sluice": "Sluice",
         "floor-proxy": "least proxy",
         "sluice-file": "Sluice, file, always", "sluice-interval": "Sluice, file, interval",
         "sluice-redis": "Sluice, Redis", "sluice-redis-always": "Sluice, Redis, always",
         **{name: peer.title for name, peer in PEERS.items()}}
