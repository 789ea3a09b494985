from pathlib import Path

import pytest
from inotify_simple import Event, INotify, flags

from discovery.providers.file.folders import FolderWatch, look_at
from discovery.providers.file.inotify import Inotify


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "watched").mkdir()
    (tmp_path / "watched" / "file").write_text("one")
    return tmp_path / "watched"


def _write(folder: Path) -> Path:
    (folder / "file").write_text("two")
    return folder / "file"


def _create(folder: Path) -> Path:
    (folder / "new").touch()
    return folder / "new"


def _remove(folder: Path) -> Path:
    (folder / "file").unlink()
    return folder / "file"


def _replace(folder: Path) -> Path:
    (folder.parent / "other").write_text("two")
    return (folder.parent / "other").rename(folder / "file")


def _forbid(folder: Path) -> Path:
    (folder / "file").chmod(0o000)
    return folder / "file"


def _remove_all(folder: Path) -> Path:
    (folder / "file").unlink()
    folder.rmdir()
    return folder


def _rename_it(folder: Path) -> Path:
    folder.rename(folder.parent / "elsewhere")
    return folder


@pytest.mark.parametrize("change", [_write, _create, _remove, _replace, _forbid, _remove_all, _rename_it])
def test_a_change_is_reported_with_its_path(folder: Path, change: object) -> None:
    changes = Inotify([folder])
    assert changes.read() == set()
    assert callable(change)
    assert change(folder) in changes.read()
    assert changes.read() == set()
    changes.close()


def test_reading_a_file_is_no_change(folder: Path) -> None:
    changes = Inotify([folder])
    (folder / "file").read_text()
    assert changes.read() == set()
    changes.close()


def test_if_the_queue_was_full_every_folder_may_have_changed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overflow = Event(-1, flags.Q_OVERFLOW, 0, "")
    changes = Inotify([folder, folder.parent])
    # The kernel's limit is the same for all programs, and 16,384 events by default.
    monkeypatch.setattr(INotify, "read", lambda _self, timeout: [overflow])
    assert changes.read() == {folder, folder.parent}
    changes.close()


def test_a_missing_folder_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="none"):
        Inotify([tmp_path, tmp_path / "none"])


def test_an_interrupted_wait_ends_at_once_and_so_do_later_ones(folder: Path) -> None:
    watch = FolderWatch(look_at([folder]), [folder])
    with watch:
        watch.interrupt()
        assert watch.wait() == frozenset()
        _write(folder)
        assert watch.wait() == frozenset()
    watch.interrupt()
