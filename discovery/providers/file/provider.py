"""The file provider.

It watches folders rather than files, since editors, Kubernetes and Certbot replace files.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Collection
from pathlib import Path

import msgspec

from discovery import dynamic
from discovery.certificates.loading import Seal
from discovery.certificates.reader import CertificateReader
from discovery.connections.stopping import on_stop
from discovery.decoding.decoded import Decoded
from discovery.merging.union import unite
from discovery.providers.contract import Emit
from discovery.providers.errors import ProviderError
from discovery.providers.file.contents import FileContents
from discovery.providers.file.folders import FolderWatch, look_at
from discovery.providers.file.listing import list_tree
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.settings import FileOptions


class FileProvider:
    """A provider that emits whenever a file, or a certificate or key that it names, changed.

    A file that can no longer be read keeps its routes; a removed file loses them. `seal` seals private keys.
    """

    name = "file"

    def __init__(self, options: FileOptions, seal: Seal = str) -> None:
        self._options = options
        self._contents = FileContents(_load)
        self._certificates = CertificateReader(self.name, seal)
        self._route_folders: list[Path] = []

    def watch(self, emit: Emit, stop: threading.Event) -> None:
        """Follow the files until `stop`. Raises ProviderError if their folder cannot be read."""
        folder = self._folder()
        try:
            if not self._options.watch:
                self._refresh(folder)
                self._emit(emit)
                stop.wait()
            first = True
            while not stop.is_set():
                self._follow(folder, emit, stop, first)
                first = False
        except OSError as error:
            raise ProviderError(
                f"the folder {dynamic.printable_path(folder)} cannot be read: {error.strerror or error}",
                "it must exist and be readable: see providers.file",
            ) from error

    def _follow(self, folder: Path, emit: Emit, stop: threading.Event, first: bool) -> None:
        """Follow the files until `stop`, or until other folders have to be watched."""
        required = self._route_folders or [folder]
        folders = look_at([folder], {*required, *self._certificates.folders})
        with FolderWatch(folders, required) as watch, on_stop(stop, watch.interrupt):
            if self._refresh(folder) or first:
                self._emit(emit)
            while watch.folders == look_at([folder], {*self._route_folders, *self._certificates.folders}):
                touched = watch.wait(self._certificates.seconds_to_check())
                if stop.is_set():
                    return
                if self._refresh(folder, touched):
                    self._emit(emit)

    def _folder(self) -> Path:
        if self._options.directory is not None:
            return self._options.directory.absolute()
        if self._options.filename is not None:
            return self._options.filename.absolute().parent
        raise ProviderError("no file is named", "set providers.file.filename or providers.file.directory")

    def _refresh(self, folder: Path, touched: Collection[Path] | None = None) -> bool:
        """Read what changed; return whether the definitions may have changed. Raises OSError.

        `touched` are the places of changes that were reported since the last call; None if some may not have
        been reported.
        """
        changed = self._contents.refresh(self._list(folder), touched or ())
        if changed or touched != frozenset() or self._certificates.seconds_to_check() <= 0:
            changed |= self._certificates.refresh(self._contents.decoded(), touched or ())
        return changed

    def _list(self, folder: Path) -> list[Path]:
        if self._options.filename is None or self._options.directory is not None:
            listing = list_tree(folder)
            self._route_folders = listing.folders
            return listing.files
        folder.stat()
        self._route_folders = [folder]
        path = folder / self._options.filename.name
        return [path] if path.exists() else []

    def _emit(self, emit: Emit) -> None:
        decoded = self._certificates.completed
        configuration = unite(decoded, self.name)
        if self._options.directory is None and not decoded:
            missing = Diagnostic(
                Severity.ERROR,
                self.name,
                f"file {self._options.filename}",
                "it does not exist",
                "its routes are served as soon as it exists; see providers.file.filename",
            )
            diagnostics = (*configuration.diagnostics, missing)
            configuration = msgspec.structs.replace(configuration, diagnostics=diagnostics)
        emit(configuration)


def _load(path: Path) -> Decoded | Diagnostic:
    tree = dynamic.read(path, os.environ)
    if isinstance(tree, Diagnostic):
        return tree
    return dynamic.decode(tree, FileProvider.name, dynamic.printable_path(path))
