"""Which files are read."""

from __future__ import annotations

import os
from pathlib import Path

from discovery.dynamic import SUFFIXES


def list_files(directory: Path) -> list[Path]:
    """The files of routes in `directory` and beneath it, in order of path.

    Names that begin with a dot are passed over: locks and backups of editors, and the folders that
    Kubernetes swaps beneath the links it shows. Links to files are followed, links to folders are not.
    Raises OSError when `directory` cannot be read.
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
