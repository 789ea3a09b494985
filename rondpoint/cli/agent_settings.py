"""Removes the settings that only the agent may know: providers, registrator, and their secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rondpoint.settings.sources import flags
from rondpoint.settings.sources.environment import PREFIX

SECTIONS = frozenset({"consul", "consulcatalog", "docker", "file", "providers", "registrator", "rest"})
"""Sections of the settings that only the agent reads, in the spellings of Traefik 1 and Traefik 3."""

_VARIABLES = ("CONSUL_", "DOCKER_", *(f"{PREFIX}{section.upper()}_" for section in sorted(SECTIONS)))


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


def without_agent_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the variables of the agent's sections, of Docker and of Consul."""
    return {
        name: value
        for name, value in environ.items()
        if not name.upper().startswith(_VARIABLES)
        and name.upper().removeprefix(PREFIX).lower() not in SECTIONS
    }
