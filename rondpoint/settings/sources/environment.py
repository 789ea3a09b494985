"""Settings from the environment: `RONDPOINT_PROVIDERS_DOCKER_ENDPOINT=unix:///d.sock`.

A variable's name does not say where one level ends and the next begins (an entry point may be called
`my_web`), so it is looked up in the vocabulary.
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
"""A JSON list of flags: how `rondpoint up` hands its own to its children."""

# Docker links and Kubernetes announce a neighbour called "rondpoint" by variables of this form.
_NEIGHBOUR = re.compile(r"RONDPOINT_(PORT|SERVICE_HOST|SERVICE_PORT|NAME|ENV)(_.*)?")


def read(environ: Mapping[str, str], vocabulary: KnownKey) -> tuple[list[WrittenSetting], list[Diagnostic]]:
    """The variables that are settings, in order of name, and those that mean nothing."""
    settings: list[WrittenSetting] = []
    problems: list[Diagnostic] = []
    for name in sorted(environ):
        upper = name.upper()
        if not upper.startswith(PREFIX) or upper == FLAGS or _NEIGHBOUR.fullmatch(upper):
            continue
        location = f"environment variable {name}"
        path = _path(vocabulary, upper.removeprefix(PREFIX).lower())
        if not path:
            problems.append(error(location, f"unknown setting {name}", _nearest(vocabulary, upper)))
        else:
            settings.append(WrittenSetting(path, environ[name], location, Source.ENVIRONMENT))
    return settings, problems


def variable_name(path: tuple[str, ...]) -> str:
    """The variable of a setting: `entryPoints.web.address` is `RONDPOINT_ENTRYPOINTS_WEB_ADDRESS`."""
    return PREFIX + "_".join(path).upper()


def _path(word: KnownKey, name: str) -> tuple[str, ...] | None:
    if not name:
        return ()
    pieces = name.split("_")
    for taken in range(1, len(pieces) + 1):
        key, rest = "_".join(pieces[:taken]), "_".join(pieces[taken:])
        for child in (word.children.get(key), word.wildcard):
            if child is None or (child is word.wildcard and child.section and not rest):
                # A variable that ended in a section's free name would take in every misspelt key.
                continue
            if (below := _path(child, rest)) is not None:
                return (key, *below)
    # Of what is not served, nobody asks what is below it.
    return (name,) if word.unserved else None


def _nearest(vocabulary: KnownKey, name: str) -> str:
    known = {variable_name(path): None for path in all_paths(vocabulary)}
    # A free key (an entry point's name) stands as `*` in the vocabulary.
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {close[0].replace('*', 'NAME')}?" if close else ""
