"""Reads settings from environment variables: `RONDPOINT_PROVIDERS_DOCKER_ENDPOINT=unix:///d.sock`.

Traefik's own names mean the same, so compose files for Traefik work unchanged. Traefik reads them only if
there are neither flags nor a file, and so does Rondpoint.

The name of a variable does not show where one level ends and the next begins: an entry point may be called
`my_web`. So the vocabulary decides.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

from rondpoint.diagnostics import Diagnostic
from rondpoint.settings.errors import error
from rondpoint.settings.vocabulary import KnownKey, all_paths
from rondpoint.settings.written_setting import Source, WrittenSetting

PREFIX = "RONDPOINT_"
TRAEFIK_PREFIX = "TRAEFIK_"

_TRAEFIK_SECTIONS = frozenset(
    (
        *("accesslog", "api", "certificatesresolvers", "core", "entrypoints", "experimental", "global"),
        *("hostresolver", "log", "metrics", "ocsp", "ping", "pilot", "providers", "serverstransport"),
        *("spiffe", "tcpserverstransport", "tracing"),
    )
)
"""The sections of Traefik 2 and 3. Other variables, such as `TRAEFIK_DOMAIN`, are no settings for Traefik."""

FLAGS = "RONDPOINT_FLAGS"
"""The variable in which `rondpoint up` passes its flags to its children, as a JSON list."""

EMBEDDED_STORE = "RONDPOINT_EMBEDDED_STORE"
"""The variable by which `rondpoint up` tells its children that it has started their store."""

_NO_SETTINGS = (FLAGS, EMBEDDED_STORE)

# Docker links and Kubernetes set such variables for another container or service called "rondpoint".
_SERVICE_VARIABLE = re.compile(r"RONDPOINT_(PORT|SERVICE_HOST|SERVICE_PORT|NAME|ENV)(_.*)?")

# Kubernetes sets such variables for services called `traefik-api` or `traefik-metrics`.
_LINK = re.compile(r"\w+_(service_host|service_port(_\w+)?|port(_\d+_\w+)?)")

_ITEM = re.compile(r"(\d+)_(\w+)")
"""The end of a variable for a key of an item in a list: `0_MAIN` for `[0].main`."""


def read(
    environ: Mapping[str, str], vocabulary: KnownKey, prefix: str = PREFIX
) -> tuple[list[WrittenSetting], list[Diagnostic]]:
    """Return the settings in the environment, sorted by variable name, and errors for unknown variables.

    `prefix` is PREFIX or TRAEFIK_PREFIX.
    """
    settings: list[WrittenSetting] = []
    problems: list[Diagnostic] = []
    for name in sorted(environ):
        key = _written_key(name.upper(), prefix)
        if key is None:
            continue
        location = f"environment variable {name}"
        path = _find_path(vocabulary, key)
        if not path and prefix == TRAEFIK_PREFIX and _LINK.fullmatch(key):
            continue
        if not path:
            problems.append(
                error(
                    location,
                    f"unknown setting {name}",
                    _nearest_variable_hint(vocabulary, name.upper(), prefix),
                )
            )
        else:
            settings.append(WrittenSetting(path, environ[name], location, Source.ENVIRONMENT))
    return settings, problems


def _written_key(name: str, prefix: str) -> str | None:
    """Return the key that a variable sets, in lower case and with underscores; None if it is no setting."""
    if not name.startswith(prefix):
        return None
    key = name.removeprefix(prefix).lower()
    if prefix == TRAEFIK_PREFIX:
        return key if key.partition("_")[0] in _TRAEFIK_SECTIONS else None
    return None if name in _NO_SETTINGS or _SERVICE_VARIABLE.fullmatch(name) else key


def variable_name(path: tuple[str, ...]) -> str:
    """Return the variable of a setting: `RONDPOINT_ENTRYPOINTS_WEB_ADDRESS` for `entryPoints.web.address`."""
    return PREFIX + "_".join(path).upper()


def _find_path(known_key: KnownKey, name: str) -> tuple[str, ...] | None:
    """Return the keys below `known_key` that `name` joins with underscores, or None if there are none."""
    if not name:
        return ()
    pieces = name.split("_")
    for length in range(1, len(pieces) + 1):
        key, rest = "_".join(pieces[:length]), "_".join(pieces[length:])
        for child in (known_key.children.get(key), known_key.wildcard):
            if child is None or (child is known_key.wildcard and child.section and not rest):
                # If a variable could end with the user's name for a section, every misspelt key would be one.
                continue
            if (item := _ITEM.fullmatch(rest)) and item[2] in map(str.lower, child.item_keys):
                return (f"{key}[{item[1]}]", item[2])
            if (path := _find_path(child, rest)) is not None:
                return (key, *path)
    # The vocabulary does not hold the keys below an option that is not served.
    return (name,) if known_key.unserved else None


def _nearest_variable_hint(vocabulary: KnownKey, name: str, prefix: str) -> str:
    known_names = {prefix + variable_name(path).removeprefix(PREFIX): None for path in all_paths(vocabulary)}
    # In the vocabulary, `*` stands for a name chosen by the user, such as that of an entry point.
    close = difflib.get_close_matches(name, known_names, n=1, cutoff=0.5)
    return f"did you mean {close[0].replace('*', 'NAME')}?" if close else ""
