"""Lists the files of a directory that define routes."""

from __future__ import annotations

import os
from pathlib import Path

from discovery.dynamic import SUFFIXES


def list_files(directory: Path) -> list[Path]:
    """Return the route files in `directory` and its subdirectories, sorted by path.

    Names that begin with a dot are skipped: editors use them for locks and backups, and Kubernetes for the
    folders that it swaps behind symbolic links. Links to files are followed, links to folders are not.
    Raises OSError if `directory` cannot be read.
    """
    found: list[Path] = []
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                found += list_files(Path(entry.path))
            elif Path(entry.name).suffix.lower() in SUFFIXES and not entry.is_dir():
                found.append(Path(entry.path))
    return sorted(found)
