"""The files of this machine that a service of a compose file mounts."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from discovery.checking.compose import as_list
from discovery.checking.line_numbers import Key
from discovery.checking.variables import Variables
from discovery.decoding.section import Tree

KeyLine = Callable[[Key], int]


class Mount(Struct, frozen=True):
    """A mounted path of a container; `source` is None if it is no file of this machine (a named volume)."""

    source: Path | None
    target: str
    line: int


class Mounts:
    """All mounts of a service, by their paths in the container."""

    def __init__(self, mounts: Iterator[Mount]) -> None:
        self._by_target = {mount.target: mount for mount in mounts}

    def find(self, inside: Path) -> Mount | None:
        """Return the mount that contains a path of the container."""
        path = posixpath.normpath(inside.as_posix())
        while path not in self._by_target:
            parent = posixpath.dirname(path)
            if parent == path:
                return None
            path = parent
        return self._by_target[path]

    def local_path(self, inside: Path) -> Path | None:
        """Return the path on this machine for a path of the container; it need not exist."""
        mount = self.find(inside)
        if mount is None or mount.source is None:
            return None
        return mount.source / posixpath.relpath(posixpath.normpath(inside.as_posix()), mount.target)


def read_mounts(
    service: Tree, tree: Tree, base: Path, environ: Mapping[str, str], line_of: KeyLine
) -> Mounts:
    """Read `volumes` and `configs` of a service, in both syntaxes.

    `line_of` returns the line of a key of the service.
    `$PWD` is the directory `base`: the directory of the compose file, where docker compose runs.
    """
    variables = Variables({**environ, "PWD": str(base.resolve())})
    return Mounts(_read_all(service, tree, base, variables, line_of))


def _read_all(
    service: Tree, tree: Tree, base: Path, variables: Variables, line_of: KeyLine
) -> Iterator[Mount]:
    for number, volume in enumerate(as_list(service.get("volumes"))):
        source, target = _split_volume(volume, variables)
        if target:
            yield _mount(source and _source_path(base, source), target, line_of(("volumes", f"[{number}]")))
    definitions = tree.get("configs")
    for number, config in enumerate(as_list(service.get("configs"))):
        options = config if isinstance(config, dict) else {"source": config}
        name = variables.fill(str(options.get("source") or ""))
        definition = definitions.get(name) if isinstance(definitions, dict) else None
        file = variables.fill(str(definition.get("file") or "")) if isinstance(definition, dict) else ""
        target = variables.fill(str(options.get("target") or f"/{name}"))
        yield _mount(file and _source_path(base, file), target, line_of(("configs", f"[{number}]")))


def _mount(source: Path | str | None, target: str, line: int) -> Mount:
    # A mount without a source still hides the mount of a parent directory.
    return Mount(Path(source) if source else None, posixpath.normpath(target), line)


def _split_volume(volume: Any, variables: Variables) -> tuple[str, str]:
    """Return source and target; the source is empty for a volume."""
    if isinstance(volume, dict):
        source = str(volume.get("source", volume.get("src")) or "")
        target = str(volume.get("target", volume.get("dst", volume.get("destination"))) or "")
        is_bind = volume.get("type") == "bind"
        return variables.fill(source) if is_bind else "", variables.fill(target)
    source, colon, rest = variables.fill(str(volume)).partition(":")
    if not colon:
        return "", source
    return source if source.startswith(("/", ".", "~")) else "", rest.partition(":")[0]


def _source_path(base: Path, written: str) -> Path:
    # os.path.expanduser leaves `~name` alone if there is no such user; Path.expanduser raises.
    path = Path(os.path.normpath(base / os.path.expanduser(written)))  # noqa: PTH111
    directory = base.resolve()
    # Diagnostics are shorter with a path relative to the compose file.
    return base / path.relative_to(directory) if path.is_relative_to(directory) else path
