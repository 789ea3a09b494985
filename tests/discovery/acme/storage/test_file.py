"""The file of a resolver is readable to its owner only, and replaced in one step."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from discovery.acme.storage import file


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_created_for_its_owner_only_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "acme.json"
    assert file.read(path) == ""
    file.write(path, "first")
    assert (file.read(path), mode(path)) == ("first", 0o600)
    file.write(path, "é")
    assert (file.read(path), mode(path)) == ("é", 0o600)
    assert [each.name for each in tmp_path.iterdir()] == ["acme.json"]


@pytest.mark.parametrize("permissions", [0o644, 0o640, 0o604, 0o660, 0o700 | 0o001])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, permissions: int) -> None:
    path = tmp_path / "acme.json"
    path.write_text("{}")
    path.chmod(permissions)
    with pytest.raises(file.StorageError) as refused:
        file.read(path)
    assert str(refused.value) == f"permissions {permissions:o} for {path} are too open, please use 600"
    assert refused.value.hint.startswith(f"run: chmod 600 {path}")


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    file.write(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert file.read(tmp_path / "target") == "text"


def test_a_file_that_cannot_be_replaced_is_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "acme.json"
    file.write(path, "a longer text than the next")

    def refuse(self: Path, target: Path) -> Path:
        # As for a file that is mounted by itself into a container.
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(target))

    monkeypatch.setattr(Path, "replace", refuse)
    file.write(path, "short")
    assert (file.read(path), mode(path)) == ("short", 0o600)
    assert [each.name for each in tmp_path.iterdir()] == ["acme.json"]
    with pytest.raises(file.StorageError, match="new cannot be written: Device or resource busy"):
        file.write(tmp_path / "new", "text")


def test_an_unusable_path_is_an_error_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "damaged").write_bytes(b"\xff")
    (tmp_path / "damaged").chmod(0o600)
    tmp_path.joinpath("folder").mkdir(mode=0o700)
    faults = {"damaged": "damaged: it is not text", "folder": "cannot be read: Is a directory"}
    for name, reason in faults.items():
        with pytest.raises(file.StorageError, match=reason):
            file.read(tmp_path / name)
    with pytest.raises(file.StorageError, match="cannot be written: No such file") as refused:
        file.write(tmp_path / "none" / "acme.json", "text")
    assert "set an empty storage" in refused.value.hint
