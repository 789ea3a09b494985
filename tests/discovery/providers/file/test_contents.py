from pathlib import Path

import pytest

from discovery.decoding.decoded import Decoded
from discovery.providers.file.contents import FileContents
from discovery.providers.file.listing import list_files
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Service


class Reader:
    """Reads a service's name from a file; a file with the text `broken` is invalid."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def __call__(self, path: Path) -> Decoded | Diagnostic:
        self.read.append(path.name)
        text = path.read_text()
        if text == "broken":
            return Diagnostic(Severity.ERROR, "file", str(path), "broken", "mend it")
        return Decoded(str(path), services=(Service(text),) if text else ())


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def contents(reader: Reader) -> FileContents:
    return FileContents(reader)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.yml"
    path.write_text("first")
    return path


def services(contents: FileContents) -> list[str]:
    return [service.name for decoded in contents.decoded() for service in decoded.services]


def findings(contents: FileContents) -> list[Diagnostic]:
    return [diagnostic for decoded in contents.decoded() for diagnostic in decoded.diagnostics]


def test_a_file_is_read_when_it_changed(contents: FileContents, reader: Reader, path: Path) -> None:
    assert contents.refresh([path])
    assert not contents.refresh([path])
    assert reader.read == ["a.yml"]
    path.write_text("second")
    assert contents.refresh([path])
    assert services(contents) == ["second"]


def test_a_touched_file_is_read_even_if_its_fingerprint_is_the_same(
    contents: FileContents, reader: Reader, path: Path
) -> None:
    contents.refresh([path])
    assert not contents.refresh([path], {path})
    assert reader.read == ["a.yml", "a.yml"]


def test_a_broken_file_keeps_its_last_valid_contents(contents: FileContents, path: Path) -> None:
    contents.refresh([path])
    path.write_text("broken")
    assert contents.refresh([path])
    assert services(contents) == ["first"]
    (diagnostic,) = findings(contents)
    assert diagnostic.hint == "mend it; the last valid contents of the file stay in force"
    path.write_text("broken")
    assert not contents.refresh([path], {path})
    path.write_text("third")
    assert contents.refresh([path])
    assert services(contents) == ["third"]
    assert findings(contents) == []


def test_a_file_broken_from_the_start_defines_nothing(contents: FileContents, path: Path) -> None:
    path.write_text("broken")
    assert contents.refresh([path])
    assert services(contents) == []
    assert [diagnostic.hint for diagnostic in findings(contents)] == ["mend it"]


def test_an_emptied_file_defines_nothing(contents: FileContents, path: Path) -> None:
    contents.refresh([path])
    path.write_text("")
    contents.refresh([path])
    assert services(contents) == []


def test_a_removed_file_defines_nothing_any_more(contents: FileContents, path: Path) -> None:
    contents.refresh([path])
    assert contents.refresh([])
    assert services(contents) == []


def test_files_are_listed_in_order_with_subdirectories(tmp_path: Path) -> None:
    for name in ("b.yml", "a.toml", "sub/c.yaml", "sub/deeper/d.YML", "note.txt", ".#b.yml", "..data/x.yml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "link.yml").symlink_to("b.yml")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "folder.yml").mkdir()
    names = [str(path.relative_to(tmp_path)) for path in list_files(tmp_path)]
    assert names == ["a.toml", "b.yml", "link.yml", "sub/c.yaml", "sub/deeper/d.YML"]
