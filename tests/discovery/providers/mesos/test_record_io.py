"""The framing of Mesos's event stream."""

from __future__ import annotations

import pytest

from discovery.providers.mesos import record_io
from discovery.providers.mesos.record_io import RecordError, read_records

STREAMS: dict[str, tuple[bytes, list[bytes]]] = {
    "nothing": (b"", []),
    "one": (b"3\nabc", [b"abc"]),
    "two": (b"3\nabc10\n0123456789", [b"abc", b"0123456789"]),
    "an empty one": (b"0\n1\na", [b"", b"a"]),
    "a line end inside": (b"2\n\n1", [b"\n1"]),
    "an incomplete one": (b"1\na5\nabc", [b"a"]),
    "an incomplete length": (b"1\na1", [b"a"]),
    "one that is too long": (b"9\n1234567891\na", [b"", b"a"]),
}


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize(("stream", "records"), STREAMS.values(), ids=STREAMS)
def test_records(stream: bytes, records: list[bytes], size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_io, "MAX_RECORD", 10 if b"0123456789" in stream else 8)
    parts = [stream[start : start + size] for start in range(0, len(stream), size)]
    assert list(read_records(parts)) == records


@pytest.mark.parametrize("stream", [b"x\nabc", b"\nabc", b"-1\nabc", b"1" * 30, b"<html><body>no line end"])
def test_other_bytes_are_no_records(stream: bytes) -> None:
    with pytest.raises(RecordError, match="no length of a record"):
        list(read_records([stream]))
