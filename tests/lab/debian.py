"""Builds a base file system for images from this machine's installed Debian packages.

The lab's engines reach no registry, so the content of an official image has to come from this machine.
"""

import io
import re
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.lab.errors import LabError

MERGED = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
"""Symbolic links in the root directory of Debian."""

_LEFT_OUT = re.compile(r"/usr/share/(doc|man|info|locale|lintian|bug|i18n|zoneinfo)(/|$)")
_NAME = re.compile(r"^\s*([a-z0-9.+-]+)")
_FIELDS = "${Package}\t${Status}\t${Depends}, ${Pre-Depends}\t${Provides}\n"


def file_system(packages: Iterable[str], target: Path) -> None:
    """Write a tar archive of these packages and their dependencies.

    Raises LabError if a package is not installed.
    """
    with tarfile.open(target, "w") as archive:
        for directory, mode in {
            "etc": 0o755,
            "usr": 0o755,
            "var": 0o755,
            "tmp": 0o1777,
            "root": 0o700,
        }.items():
            entry = tarfile.TarInfo(directory)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            archive.addfile(entry)
        for name, link_target in MERGED.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, link_target
            archive.addfile(entry)
        for path in sorted(_files(_closure(packages))):
            archive.add(path, arcname=str(path).lstrip("/"), recursive=False)
        # The installation scripts of the packages would create these files.
        for name in ("passwd", "group"):
            content = Path(f"/usr/share/base-passwd/{name}.master").read_bytes()
            entry = tarfile.TarInfo(f"etc/{name}")
            entry.mode, entry.size = 0o644, len(content)
            archive.addfile(entry, io.BytesIO(content))


def _closure(packages: Iterable[str]) -> set[str]:
    """Return these packages and their dependencies, as far as they are installed."""
    listed = subprocess.run(
        ["dpkg-query", "--show", f"--showformat={_FIELDS}"], capture_output=True, text=True, check=True
    ).stdout
    needs: dict[str, list[str]] = {}
    providers: dict[str, str] = {}
    for line in listed.splitlines():
        name, status, needed, provided = line.split("\t")
        if status.split()[-1] != "installed":
            continue
        needs[name] = [
            found[1]
            for clause in needed.split(",")
            for choice in clause.split("|")
            if (found := _NAME.match(choice))
        ]
        for clause in provided.split(","):
            if found := _NAME.match(clause):
                providers.setdefault(found[1], name)
    pending, known = list(packages), set[str]()
    if missing := [name for name in pending if name not in needs]:
        raise LabError(f"for an image's base, install: {' '.join(missing)}")
    while pending:
        name = pending.pop()
        name = name if name in needs else providers.get(name, "")
        if name and name not in known:
            known.add(name)
            pending += needs[name]
    return known


def _files(packages: Iterable[str]) -> Iterator[Path]:
    """Yield the files and links of these packages, by their real directories, each once."""
    listed = subprocess.run(
        ["dpkg-query", "--listfiles", *sorted(packages)], capture_output=True, text=True, check=True
    ).stdout
    seen: set[Path] = set()
    for line in listed.splitlines():
        if not line.startswith("/") or _LEFT_OUT.match(line):
            continue
        path = Path(line)
        path = path.parent.resolve() / path.name
        if path in seen or path.parent == Path("/"):
            continue
        if path.is_symlink() or path.is_file():
            seen.add(path)
            yield path
