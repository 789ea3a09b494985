"""Files that a proxy of a compose file would read, as far as this machine has them."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from pathlib import Path

from discovery.checking.proxies import SETTINGS, Proxy
from rondpoint.diagnostics import Diagnostic, Severity

_FILE, _DIRECTORY, _OTHER = "file", "directory", "other"


class Seen:
    """The files of one proxy's container; `findings` name those that are not here, `lines` their mounts."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self.findings: list[Diagnostic] = []
        self.lines: dict[str, int] = {}
        self.spoilt: Path | None = None
        """A file that is there and cannot be read."""

    def see(self, inside: Path) -> Path | None:
        """The path on this machine of a path of the container; None where its mount is not here."""
        mount = self._proxy.mounts.of(inside)
        if mount is None or mount.source is None or not _kind(mount.source):
            return None
        path = self._proxy.mounts.source(inside)
        return path if path != self.spoilt else None

    def first(self, places: Iterable[Path]) -> Path | None:
        """The first of these paths of the container that is a file; says which are mounted and not here."""
        for place in places:
            self.tell_missing(place)
            path = self.see(place)
            if path is not None and _kind(path) == _FILE:
                return path
        return None

    def tell_unmounted(self, inside: Path, subject: str) -> None:
        """Say of a path that settings name that it is part of an image or of a volume."""
        mount = self._proxy.mounts.of(inside)
        if mount is None or mount.source is None:
            message = f"{inside} is not mounted from this machine, so that it is not checked"
            self._tell(Diagnostic(Severity.NOTE, SETTINGS, subject, message))

    def tell_missing(self, inside: Path) -> None:
        """Say of a path that its mount is not what it should be."""
        mount = self._proxy.mounts.of(inside)
        if mount is None or mount.source is None:
            return
        subject = f"service {self._proxy.service}: {mount.target}"
        self.lines.setdefault(subject, mount.line)
        if not _kind(mount.source):
            message = f"{mount.source} is not there, so that it is not checked"
            hint = "docker mounts an empty directory in its place"
            self._tell(Diagnostic(Severity.WARNING, SETTINGS, subject, message, hint))
        elif mount.target == str(inside) and inside.suffix and _kind(mount.source) == _DIRECTORY:
            message = f"{mount.source} is a directory, and no file"
            self._tell(Diagnostic(Severity.WARNING, SETTINGS, subject, message))

    def _tell(self, finding: Diagnostic) -> None:
        if finding not in self.findings:
            self.findings.append(finding)


def _kind(path: Path) -> str:
    """What a path leads to; empty where nothing is, or where nobody may look."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return ""
    if stat.S_ISDIR(mode):
        return _DIRECTORY
    return _FILE if stat.S_ISREG(mode) else _OTHER
