"""The files of this machine that a service of a compose file has mounted."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from discovery.checking.compose import items
from discovery.checking.line_numbers import Key
from discovery.checking.variables import Variables
from discovery.decoding.section import Tree

Line = Callable[[Key], int]


class Mount(Struct, frozen=True):
    """One path of a container; `source` is None where this machine has no file of it (a named volume)."""

    source: Path | None
    target: str
    line: int


class Mounts:
    """All mounts of a service, by the paths that its container sees."""

    def __init__(self, mounts: Iterator[Mount]) -> None:
        self._by_target = {mount.target: mount for mount in mounts}

    def of(self, inside: Path) -> Mount | None:
        """The mount that a path of the container lies in."""
        path = posixpath.normpath(inside.as_posix())
        while path not in self._by_target:
            above = posixpath.dirname(path)
            if above == path:
                return None
            path = above
        return self._by_target[path]

    def source(self, inside: Path) -> Path | None:
        """The path on this machine of a path of the container; it need not exist."""
        mount = self.of(inside)
        if mount is None or mount.source is None:
            return None
        return mount.source / posixpath.relpath(posixpath.normpath(inside.as_posix()), mount.target)


def mounts(service: Tree, tree: Tree, base: Path, environ: Mapping[str, str], line: Line) -> Mounts:
    """Those of `volumes` and `configs`, in both syntaxes; `line` gives the line of one of the service's keys.

    `$PWD` is the directory `base`, where the compose file is and docker compose is run.
    """
    variables = Variables({**environ, "PWD": str(base.resolve())})
    return Mounts(_all(service, tree, base, variables, line))


def _all(service: Tree, tree: Tree, base: Path, variables: Variables, line: Line) -> Iterator[Mount]:
    for number, volume in enumerate(items(service.get("volumes"))):
        source, target = _volume(volume, variables)
        if target:
            yield _mount(source and _source(base, source), target, line(("volumes", f"[{number}]")))
    known = tree.get("configs")
    for number, config in enumerate(items(service.get("configs"))):
        given = config if isinstance(config, dict) else {"source": config}
        name = variables.fill(str(given.get("source") or ""))
        named = known.get(name) if isinstance(known, dict) else None
        file = variables.fill(str(named.get("file") or "")) if isinstance(named, dict) else ""
        target = variables.fill(str(given.get("target") or f"/{name}"))
        yield _mount(file and _source(base, file), target, line(("configs", f"[{number}]")))


def _mount(source: Path | str | None, target: str, line: int) -> Mount:
    # Without a source it still hides what is mounted above it.
    return Mount(Path(source) if source else None, posixpath.normpath(target), line)


def _volume(volume: Any, variables: Variables) -> tuple[str, str]:
    """What is mounted, empty for a volume, and where."""
    if isinstance(volume, dict):
        source = str(volume.get("source", volume.get("src")) or "")
        target = str(volume.get("target", volume.get("dst", volume.get("destination"))) or "")
        is_bind = volume.get("type") == "bind"
        return variables.fill(source) if is_bind else "", variables.fill(target)
    source, colon, rest = variables.fill(str(volume)).partition(":")
    if not colon:
        return "", source
    return source if source.startswith(("/", ".", "~")) else "", rest.partition(":")[0]


def _source(base: Path, written: str) -> Path:
    # It leaves users alone that are not there.
    path = Path(os.path.normpath(base / os.path.expanduser(written)))  # noqa: PTH111
    above = base.resolve()
    # As it would be written beside the compose file: a whole path tells less in a report.
    return base / path.relative_to(above) if path.is_relative_to(above) else path
