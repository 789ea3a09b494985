"""Lists the files of a directory that define routes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from discovery.dynamic import SUFFIXES


class Listing(NamedTuple):
    """The route files in a directory and its subdirectories, and all these directories, sorted by path."""

    files: list[Path]
    folders: list[Path]


def list_files(directory: Path) -> list[Path]:
    """Return the route files in `directory` and its subdirectories. Raises OSError, as `list_tree` does."""
    return list_tree(directory).files


def list_tree(directory: Path) -> Listing:
    """List the route files in `directory` and its subdirectories.

    Names that begin with a dot are skipped: editors use them for locks and backups, and Kubernetes for the
    folders that it swaps behind symbolic links. Links to files are followed, links to folders are not.
    Raises OSError if `directory` cannot be read.
    """
    files: list[Path] = []
    folders = [directory]
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                below = list_tree(Path(entry.path))
                files += below.files
                folders += below.folders
            elif Path(entry.name).suffix.lower() in SUFFIXES and not entry.is_dir():
                files.append(Path(entry.path))
    return Listing(sorted(files), sorted(folders))
