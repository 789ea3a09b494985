"""Reads settings from environment variables: `RONDPOINT_PROVIDERS_DOCKER_ENDPOINT=unix:///d.sock`.

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
FLAGS = "RONDPOINT_FLAGS"
"""The variable in which `rondpoint up` passes its flags to its children, as a JSON list."""

EMBEDDED_STORE = "RONDPOINT_EMBEDDED_STORE"
"""The variable by which `rondpoint up` tells its children that it has started their store."""

_NO_SETTINGS = (FLAGS, EMBEDDED_STORE)

# Docker links and Kubernetes set such variables for another container or service called "rondpoint".
_SERVICE_VARIABLE = re.compile(r"RONDPOINT_(PORT|SERVICE_HOST|SERVICE_PORT|NAME|ENV)(_.*)?")

_ITEM = re.compile(r"(\d+)_(\w+)")
"""The end of a variable for a key of an item in a list: `0_MAIN` for `[0].main`."""


def read(environ: Mapping[str, str], vocabulary: KnownKey) -> tuple[list[WrittenSetting], list[Diagnostic]]:
    """Return the settings in the environment, sorted by variable name, and errors for unknown variables."""
    settings: list[WrittenSetting] = []
    problems: list[Diagnostic] = []
    for name in sorted(environ):
        upper = name.upper()
        if (
            not upper.startswith(PREFIX)
            or upper in (FLAGS, EMBEDDED_STORE)
            or _SERVICE_VARIABLE.fullmatch(upper)
        ):
            continue
        location = f"environment variable {name}"
        path = _find_path(vocabulary, upper.removeprefix(PREFIX).lower())
        if not path:
            problems.append(
                error(location, f"unknown setting {name}", _nearest_variable_hint(vocabulary, upper))
            )
        else:
            settings.append(WrittenSetting(path, environ[name], location, Source.ENVIRONMENT))
    return settings, problems


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


def _nearest_variable_hint(vocabulary: KnownKey, name: str) -> str:
    known_names = {variable_name(path): None for path in all_paths(vocabulary)}
    # In the vocabulary, `*` stands for a name chosen by the user, such as that of an entry point.
    close = difflib.get_close_matches(name, known_names, n=1, cutoff=0.5)
    return f"did you mean {close[0].replace('*', 'NAME')}?" if close else ""
