"""Certificates and keys that files name are followed wherever they are."""

from collections.abc import Callable
from pathlib import Path

import pytest

from discovery.certificates import reader
from discovery.providers.file import FileProvider, folders
from rondpoint.configuration import Configuration
from rondpoint.settings import FileOptions
from tests.discovery.certificates.pairs import MadePair, make_pair, private_key
from tests.discovery.providers.watching import watched

OLD, NEW = make_pair("old.test"), make_pair("new.test", key=private_key("ec", 1))


def presents(*names: str) -> Callable[[Configuration], bool]:
    return lambda found: {name for each in found.certificates.values() for name in each.names} == set(names)


class Folder:
    """A folder with certificate and key; `path` is the one that the route file names."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, made: MadePair) -> None:
        self.path.mkdir(exist_ok=True)
        (self.path / "tls.crt").write_text(made.certificate)
        (self.path / "tls.key").write_text(made.key)


class InPlace(Folder):
    """Files that are written over."""


class RenamedOver(Folder):
    """Files that new ones replace."""

    def write(self, made: MadePair) -> None:
        self.path.mkdir(exist_ok=True)
        for name, text in zip(("tls.crt", "tls.key"), made, strict=True):
            new = self.path / f"{name}.new"
            new.write_text(text)
            new.replace(self.path / name)


class Certbot(Folder):
    """Links to files of another folder, which are replaced one by one."""

    def write(self, made: MadePair) -> None:
        archive = self.path.with_name("archive")
        archive.mkdir(exist_ok=True)
        self.path.mkdir(exist_ok=True)
        number = len(list(archive.iterdir()))
        for name, text in zip(("tls.crt", "tls.key"), made, strict=True):
            (archive / f"{number}{name}").write_text(text)
            new = self.path / "new"
            new.symlink_to(f"../archive/{number}{name}")
            new.replace(self.path / name)


class Kubernetes(Folder):
    """Links to a link to a folder, which is replaced with all its files."""

    def write(self, made: MadePair) -> None:
        self.path.mkdir(exist_ok=True)
        version = self.path / f"..{len(list(self.path.iterdir()))}"
        Folder(version).write(made)
        data = self.path / "..new"
        data.symlink_to(version.name)
        data.replace(self.path / "..data")
        for name in ("tls.crt", "tls.key"):
            if not (self.path / name).is_symlink():
                (self.path / name).symlink_to(f"..data/{name}")


class LinkedFolder(Folder):
    """A link to a folder, which is replaced."""

    def write(self, made: MadePair) -> None:
        version = self.path.with_name(f"v{len(list(self.path.parent.iterdir()))}")
        Folder(version).write(made)
        new = self.path.with_name("new")
        new.symlink_to(version)
        new.replace(self.path)


KINDS = [InPlace, RenamedOver, Certbot, Kubernetes, LinkedFolder]


def routes(path: Path, *folders: Path) -> Path:
    pairs = ", ".join(f"{{certFile: {each}/tls.crt, keyFile: {each}/tls.key}}" for each in folders)
    path.write_text(f"tls: {{certificates: [{pairs}]}}")
    return path


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("directory", [False, True])
def test_a_replaced_pair_is_read_when_the_kernel_reports_it(
    tmp_path: Path, kind: type[Folder], directory: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "CHECK_MS", 600_000)
    monkeypatch.setattr(reader, "MIN_CHECK_INTERVAL", 600.0)
    for name in ("routes", "certs"):
        (tmp_path / name).mkdir()
    pair = kind(tmp_path / "certs" / "live")
    pair.write(OLD)
    path = routes(tmp_path / "routes" / "a.yml", pair.path)
    options = FileOptions(directory=path.parent) if directory else FileOptions(filename=path)
    with watched(FileProvider(options)) as running:
        assert presents("old.test")(running.next())
        for made, name in ((NEW, "new.test"), (OLD, "old.test")):
            pair.write(made)
            found = running.until(lambda each, name=name: presents(name)(each) and not each.diagnostics)
            assert found.diagnostics == ()


def test_a_replaced_pair_is_read_although_nothing_reports_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait_in_vain(self: folders.FolderWatch, limit: float) -> frozenset[Path]:
        return original(self, limit) and frozenset()

    original = folders.FolderWatch.wait
    monkeypatch.setattr(folders.FolderWatch, "wait", wait_in_vain)
    pair = InPlace(tmp_path / "certs")
    pair.write(OLD)
    (tmp_path / "routes").mkdir()
    path = routes(tmp_path / "routes" / "a.yml", pair.path)
    with watched(FileProvider(FileOptions(filename=path))) as running:
        running.next()
        pair.write(NEW)
        running.until(presents("new.test"))


def test_a_pair_that_comes_later_is_served(tmp_path: Path) -> None:
    pair = InPlace(tmp_path / "certs")
    path = routes(tmp_path / "a.yml", pair.path)
    with watched(FileProvider(FileOptions(filename=path))) as running:
        found = running.next()
        assert presents()(found)
        assert "the certificate is left out" in str(found.diagnostics[0])
        pair.write(OLD)
        assert running.until(presents("old.test")).diagnostics == ()


def test_a_broken_route_file_keeps_its_certificates_which_are_still_followed(tmp_path: Path) -> None:
    pair = InPlace(tmp_path / "certs")
    pair.write(OLD)
    path = routes(tmp_path / "a.yml", pair.path)
    with watched(FileProvider(FileOptions(filename=path))) as running:
        running.next()
        path.write_text("tls: {")
        assert presents("old.test")(running.until(lambda found: bool(found.diagnostics)))
        pair.write(NEW)
        running.until(presents("new.test"))


def test_the_kernel_may_refuse_to_watch_so_many_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(paths: list[Path]) -> object:
        if len(list(paths)) > 1:
            raise OSError("OS file watch limit reached")
        return original(paths)

    original = folders.Inotify
    monkeypatch.setattr(folders, "Inotify", refuse)
    pair = InPlace(tmp_path / "certs")
    pair.write(OLD)
    (tmp_path / "routes").mkdir()
    path = routes(tmp_path / "routes" / "a.yml", pair.path)
    with watched(FileProvider(FileOptions(filename=path))) as running:
        running.next()
        pair.write(NEW)
        running.until(presents("new.test"))
    assert "changes in 1 folders are found later: OS file watch limit reached" in caplog.text
