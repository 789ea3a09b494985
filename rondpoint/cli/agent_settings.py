"""Finds the settings that only the agent may know: providers, registrator, and their secrets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rondpoint.settings.sources import flags
from rondpoint.settings.sources.environment import PREFIX, TRAEFIK_PREFIX

SECTIONS = frozenset(
    {
        *("consul", "consulcatalog", "docker", "ecs", "etcd", "file", "kubernetes", "marathon"),
        *("mesos", "providers", "registrator", "rest", "zookeeper"),
    }
)
"""Sections of the settings that only the agent reads, in the spellings of Traefik 1 and Traefik 3."""

_VARIABLES = (
    "AWS_",
    "CONSUL_",
    "DOCKER_",
    "KUBECONFIG",
    "NOMAD_",
    *(f"{prefix}{section.upper()}_" for prefix in (PREFIX, TRAEFIK_PREFIX) for section in sorted(SECTIONS)),
)


def without_agent_flags(argv: Sequence[str]) -> list[str]:
    """Return the flags without those of the agent's sections; invalid words stay for `load` to report."""
    kept: list[str] = []
    words = list(argv)
    while words:
        read, _ = flags.read(words[:2])
        length = 2 if len(words) > 1 and len(read) == 1 and read[0].value == words[1] else 1
        if not (read and read[0].path[0].lower() in SECTIONS):
            kept += words[:length]
        del words[:length]
    return kept


def agent_variables(names: Iterable[str]) -> frozenset[str]:
    """Return the names of variables of the agent's sections, of Docker, Consul, Nomad and AWS."""
    return frozenset(
        name
        for name in names
        if name.upper().startswith(_VARIABLES) or _without_prefix(name).lower() in SECTIONS
    )


def variables_of_traefik(names: Iterable[str]) -> frozenset[str]:
    """Return the names that begin as Traefik's variables do."""
    return frozenset(name for name in names if name.upper().startswith(TRAEFIK_PREFIX))


def _without_prefix(name: str) -> str:
    return name.upper().removeprefix(PREFIX).removeprefix(TRAEFIK_PREFIX)
