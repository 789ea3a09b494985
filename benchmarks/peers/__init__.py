"""The compared proxies: each module configures and starts one."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.peers import caddy, haproxy, nginx, rondpoint, traefik
from benchmarks.peers.peer import Peer, Site
from benchmarks.scenarios import Scenario

__all__ = ["BASELINE", "PEERS", "Peer", "Site", "taking_part_in"]

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
        caddy.PEER,
    )
}


def taking_part_in(scenario: Scenario, peers: Sequence[Peer]) -> list[Peer]:
    """Return the peers that can do what a scenario asks for."""
    return [peer for peer in peers if scenario.name not in peer.lacks]
