"""What only the agent may know: where routes come from, and the secrets to get them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rondpoint.settings.sources import flags
from rondpoint.settings.sources.environment import PREFIX

SECTIONS = frozenset({"consul", "consulcatalog", "docker", "file", "providers", "registrator", "rest"})
"""Sections of the settings, in both of Traefik's spellings, that the agent alone reads."""

_VARIABLES = ("CONSUL_", "DOCKER_", *(f"{PREFIX}{section.upper()}_" for section in sorted(SECTIONS)))


def without_sources_flags(argv: Sequence[str]) -> list[str]:
    """The flags less those about sources; what is no flag stays, for whoever reads them to complain."""
    kept: list[str] = []
    words = list(argv)
    while words:
        read, _ = flags.read(words[:2])
        taken = 2 if len(words) > 1 and len(read) == 1 and read[0].value == words[1] else 1
        if not (read and read[0].path[0].lower() in SECTIONS):
            kept += words[:taken]
        del words[:taken]
    return kept


def without_sources(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment less what says where sources are, and how to be let in."""
    return {
        name: value
        for name, value in environ.items()
        if not name.upper().startswith(_VARIABLES)
        and name.upper().removeprefix(PREFIX).lower() not in SECTIONS
    }
