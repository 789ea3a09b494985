"""The compared proxies: each module configures and starts one."""

from __future__ import annotations

from benchmarks.peers import haproxy, nginx, rondpoint, traefik
from benchmarks.peers.peer import Peer, Site

__all__ = ["BASELINE", "PEERS", "Peer", "Site"]

BASELINE = "traefik"

PEERS = {
    peer.name: peer
    for peer in (
        *rondpoint.PEERS,
        traefik.PEER,
        traefik.FAST_PEER,
        traefik.ALL_PEER,
        nginx.PEER,
        haproxy.PEER,
    )
}
