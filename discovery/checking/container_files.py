"""The files that a proxy of a compose file would read, if this machine has them."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from pathlib import Path

from discovery.checking.proxies import SETTINGS, Proxy
from rondpoint.diagnostics import Diagnostic, Severity

_FILE, _DIRECTORY, _OTHER = "file", "directory", "other"


class ContainerFiles:
    """The files of one proxy's container.

    `diagnostics` name the files that this machine does not have. `lines` has the lines of their mounts.
    """

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self.diagnostics: list[Diagnostic] = []
        self.lines: dict[str, int] = {}
        self.unreadable: Path | None = None
        """A file that exists but cannot be read."""
        self.is_missing = False
        """Whether this machine does not have the mount of a path that `find_first_file` searched."""
        self.is_in_volume = False
        """Whether a path that `find_first_file` searched is in a volume."""

    def local_path(self, inside: Path) -> Path | None:
        """Return the path on this machine for a path of the container; None if its mount is not here."""
        mount = self._proxy.mounts.find(inside)
        if mount is None or mount.source is None or not _file_kind(mount.source):
            return None
        path = self._proxy.mounts.local_path(inside)
        return path if path != self.unreadable else None

    def find_first_file(self, candidates: Iterable[Path]) -> Path | None:
        """Return the first of these container paths that is a file; report mounts that are not here."""
        for inside in candidates:
            self.report_missing(inside)
            path = self.local_path(inside)
            mount = self._proxy.mounts.find(inside)
            if mount is not None:
                self.is_in_volume |= mount.source is None
                self.is_missing |= mount.source is not None and not _file_kind(mount.source)
            if path is not None and _file_kind(path) == _FILE:
                return path
        return None

    def report_unmounted(self, inside: Path, subject: str) -> None:
        """Add a note if a path from the settings is in the image or in a volume."""
        mount = self._proxy.mounts.find(inside)
        if mount is None or mount.source is None:
            message = f"{inside} is not mounted from this machine, so it is not checked"
            self._add(Diagnostic(Severity.NOTE, SETTINGS, subject, message))

    def report_missing(self, inside: Path) -> None:
        """Add a warning if the mount of a path does not exist, or is a directory instead of a file."""
        mount = self._proxy.mounts.find(inside)
        if mount is None or mount.source is None:
            return
        subject = f"service {self._proxy.service}: {mount.target}"
        self.lines.setdefault(subject, mount.line)
        if not _file_kind(mount.source):
            message = f"{mount.source} does not exist, so it is not checked"
            hint = "Docker mounts an empty directory instead"
            self._add(Diagnostic(Severity.WARNING, SETTINGS, subject, message, hint))
        elif mount.target == str(inside) and inside.suffix and _file_kind(mount.source) == _DIRECTORY:
            message = f"{mount.source} is a directory, not a file"
            self._add(Diagnostic(Severity.WARNING, SETTINGS, subject, message))

    def _add(self, diagnostic: Diagnostic) -> None:
        if diagnostic not in self.diagnostics:
            self.diagnostics.append(diagnostic)


def _file_kind(path: Path) -> str:
    """Return the kind of file at a path; empty if there is none or it cannot be accessed."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return ""
    if stat.S_ISDIR(mode):
        return _DIRECTORY
    return _FILE if stat.S_ISREG(mode) else _OTHER
