"""Buffers of content: what is added can be read from any position, from memory or from a file."""

import os
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import gevent
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.buffers import disk_file
from proxy.buffers.content_buffer import PORTION, ContentBuffer
from proxy.buffers.disk_file import DiskError


def filled(limit: int, *pieces: bytes) -> ContentBuffer:
    buffer = ContentBuffer(limit)
    for piece in pieces:
        buffer.add(piece)
    return buffer


def whole(buffer: ContentBuffer, portion: int) -> bytes:
    found = b""
    while piece := buffer.read(len(found), portion):
        assert len(piece) <= portion
        found += piece
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.binary(max_size=40), max_size=12),
    st.integers(min_value=0, max_value=200),
    st.integers(min_value=1, max_value=64),
)
def test_everything_that_was_added_is_read_again(pieces: list[bytes], limit: int, portion: int) -> None:
    buffer = filled(limit, *pieces)
    content = b"".join(pieces)
    try:
        assert buffer.size == len(content)
        assert buffer.in_memory == (len(content) <= limit)
        for _ in range(2):
            assert whole(buffer, portion) == content
    finally:
        buffer.close()


def temporary_files() -> list[str]:
    """Return the targets of this process's descriptors for files without a name."""
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        # The descriptor of the listing itself is closed by now.
        with suppress(FileNotFoundError):
            found.append(str(descriptor.readlink()))
    return [link for link in found if link.startswith(tempfile.gettempdir()) and "(deleted)" in link]


def test_a_file_has_no_name_and_is_gone_after_closing() -> None:
    # Files of tests before may be open for a moment longer.
    disk_file._disk()._thread.join()
    before = set(temporary_files())
    buffer = filled(10, b"x" * 100, b"y" * 1000)
    (own,) = set(temporary_files()) - before
    buffer.close()
    # One thread does one operation after the other.
    filled(1, b"long").close()
    disk_file._disk()._thread.join()
    assert own not in temporary_files()


def test_memory_holds_no_more_than_the_limit() -> None:
    buffer = ContentBuffer(4 * PORTION)
    sizes = []
    for number in range(40):
        buffer.add(bytes([number]) * 60_000)
        sizes.append(len(buffer._tail))
    assert max(sizes[:17]) <= 4 * PORTION
    # What came after the first bytes on the disk waits for one portion at most.
    assert max(sizes[18:]) <= PORTION
    assert whole(buffer, 65536) == b"".join(bytes([number]) * 60_000 for number in range(40))
    buffer.close()


def test_other_greenlets_run_while_a_file_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    disk_is_ready = threading.Event()
    write_all = disk_file._write_all

    def slow(descriptor: int, data: bytearray) -> None:
        assert disk_is_ready.wait(10)
        steps.append("written")
        write_all(descriptor, data)

    def other() -> None:
        steps.append("other")
        disk_is_ready.set()

    monkeypatch.setattr(disk_file, "_write_all", slow)
    gevent.spawn(other)
    buffer = filled(1, b"long")
    assert steps == ["other", "written"]
    assert whole(buffer, 2) == b"long"
    buffer.close()


def test_a_folder_that_cannot_be_written_gives_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/does/not/exist")
    with pytest.raises(DiskError, match="No such file"):
        filled(1, b"long")


def test_a_full_disk_gives_errors_and_one_warning_a_minute(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk_file._disk.cache_clear()
    now = 1000.0
    monkeypatch.setattr(disk_file, "monotonic", lambda: now)
    buffer = filled(1, b"long")
    # Any write to this device fails as on a full disk.
    full = os.open("/dev/full", os.O_RDWR)
    os.dup2(full, buffer._file._file.fileno())  # type: ignore[union-attr]
    os.close(full)
    for seconds, warnings in ((0, 1), (30, 1), (30, 2), (59, 2)):
        now += seconds
        with pytest.raises(DiskError, match="No space"):
            buffer.add(b"more")
        assert len(caplog.records) == warnings
    assert "No space left" in caplog.records[0].getMessage()
    buffer.close()
