"""The proxies that discover containers: how each is started with an engine, and its labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.peers.peer import Site
from benchmarks.peers.rondpoint import rondpoint_program
from benchmarks.peers.traefik import quiet_flags, traefik_program
from benchmarks.processes import Launch


@dataclass(frozen=True, slots=True)
class Watcher:
    """A proxy that follows an engine.

    `prepare` gets the ports and the engine's URL; `labels` returns labels that route a host to a container.
    """

    name: str
    prepare: Callable[[Site, str], Launch]
    labels: Callable[[str], Mapping[str, str]]


def _rondpoint(site: Site, engine: str) -> Launch:
    state = site.directory / "state"
    state.mkdir()
    command = [
        rondpoint_program(),
        "up",
        f"--stateDirectory={state}",
        "--log.level=ERROR",
        f"--entryPoints.web.address=127.0.0.1:{site.port}",
        f"--entryPoints.traefik.address=127.0.0.1:{site.admin_port}",
        f"--providers.docker.endpoint={engine}",
    ]
    return Launch(command, site.directory)


def _traefik(site: Site, engine: str) -> Launch:
    command = [
        traefik_program(),
        *quiet_flags(),
        f"--entryPoints.web.address=127.0.0.1:{site.port}",
        f"--providers.docker.endpoint={engine}",
    ]
    return Launch(command, site.directory)


def _v1_labels(host: str) -> Mapping[str, str]:
    return {"traefik.port": "80", "traefik.frontend.rule": f"Host:{host}"}


def _v3_labels(host: str) -> Mapping[str, str]:
    name = host.partition(".")[0]
    return {
        f"traefik.http.routers.{name}.rule": f"Host(`{host}`)",
        f"traefik.http.services.{name}.loadbalancer.server.port": "80",
    }


WATCHERS = {
    watcher.name: watcher
    for watcher in (
        Watcher("rondpoint", _rondpoint, _v1_labels),
        Watcher("traefik", _traefik, _v3_labels),
    )
}
