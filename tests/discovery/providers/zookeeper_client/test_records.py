"""Requests to ZooKeeper and its replies, byte by byte."""

import struct

import pytest

from discovery.providers.zookeeper_client import records
from discovery.providers.zookeeper_client.records import Event, Failure, Operation, Reply, Znode

STATUS_BEFORE_CVERSION = bytes(8 * 4 + 4)
"""czxid, mzxid, ctime, mtime and version."""


def status(*, cversion: int, children: int) -> bytes:
    return STATUS_BEFORE_CVERSION + struct.pack("!iiqiiq", cversion, 0, 0, 0, children, 0)


REQUESTS = {
    "a new session for ten seconds": (
        records.encode_connect(10_000),
        bytes(4) + bytes(8) + b"\x00\x00\x27\x10" + bytes(8) + b"\x00\x00\x00\x10" + bytes(16) + b"\x00",
    ),
    "a login": (
        records.encode_login("ann", "pw"),
        b"\xff\xff\xff\xfc\x00\x00\x00\x64" + bytes(4) + b"\x00\x00\x00\x06digest\x00\x00\x00\x06ann:pw",
    ),
    "a ping": (
        records.encode_request(records.Xid.PING, Operation.PING),
        b"\xff\xff\xff\xfe\x00\x00\x00\x0b",
    ),
    "a recursive watch": (records.encode_watch("/a"), b"\x00\x00\x00\x02/a\x00\x00\x00\x01"),
    "a read": (records.encode_read("/a", watch=False), b"\x00\x00\x00\x02/a\x00"),
    "a read with a watch": (records.encode_read("/a", watch=True), b"\x00\x00\x00\x02/a\x01"),
    "a path of two bytes a letter": (records.encode_path("/é"), b"\x00\x00\x00\x03/\xc3\xa9"),
    "two reads": (
        records.encode_reads(Operation.GET_DATA, ["/a", "/b"]),
        b"\x00\x00\x00\x04\x00\xff\xff\xff\xff\x00\x00\x00\x02/a\x00"
        b"\x00\x00\x00\x04\x00\xff\xff\xff\xff\x00\x00\x00\x02/b\x00"
        b"\xff\xff\xff\xff\x01\xff\xff\xff\xff",
    ),
    "a frame": (records.encode_frame(b"abc"), b"\x00\x00\x00\x03abc"),
}


@pytest.mark.parametrize(("encoded", "expected"), REQUESTS.values(), ids=REQUESTS)
def test_a_request_in_bytes(encoded: bytes, expected: bytes) -> None:
    assert encoded == expected


END = b"\xff\xff\xff\xff\x01\xff\xff\xff\xff"
DATA = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
CHILDREN = b"\x00\x00\x00\x08\x00\x00\x00\x00\x00"
FAILURE = b"\xff\xff\xff\xff\x00\x00\x00\x00\x00"

RESULTS = {
    "nothing": (END, []),
    "data": (
        DATA + b"\x00\x00\x00\x01x" + status(cversion=0, children=0) + END,
        [Znode(b"x", child_count=0, had_children=False)],
    ),
    "a folder": (
        DATA + b"\x00\x00\x00\x00" + status(cversion=3, children=1) + END,
        [Znode(b"", child_count=1, had_children=True)],
    ),
    "an emptied folder": (
        DATA + b"\x00\x00\x00\x00" + status(cversion=2, children=0) + END,
        [Znode(b"", child_count=0, had_children=True)],
    ),
    "data that is none": (
        DATA + b"\xff\xff\xff\xff" + status(cversion=0, children=0) + END,
        [Znode(b"", child_count=0, had_children=False)],
    ),
    "children": (CHILDREN + b"\x00\x00\x00\x02\x00\x00\x00\x01a\x00\x00\x00\x01b" + END, [["a", "b"]]),
    "no children": (CHILDREN + b"\x00\x00\x00\x00" + END, [[]]),
    "a missing znode before one that exists": (
        FAILURE + b"\xff\xff\xff\x9b" + DATA + b"\x00\x00\x00\x01x" + status(cversion=0, children=0) + END,
        [Failure(-101), Znode(b"x", child_count=0, had_children=False)],
    ),
}


@pytest.mark.parametrize(("content", "expected"), RESULTS.values(), ids=RESULTS)
def test_results_of_reads(content: bytes, expected: list[records.ReadResult]) -> None:
    assert records.decode_reads(content) == expected


@pytest.mark.parametrize(("content", "_"), RESULTS.values(), ids=RESULTS)
def test_cut_results_are_refused_wherever_the_cut_is(content: bytes, _: object) -> None:
    for end in range(len(content)):
        with pytest.raises(ValueError, match=r".+"):
            records.decode_reads(content[:end])


def test_a_reply_and_an_event() -> None:
    content = b"\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\x01\x00\xff\xff\xff\x9brest"
    assert records.decode_reply(content) == Reply(7, 256, -101, b"rest")
    assert records.decode_event(b"\x00\x00\x00\x03\x00\x00\x00\x03\x00\x00\x00\x02/a") == Event(3, "/a")
    assert records.decode_connected(b"\x00\x00\x00\x00\x00\x00\x0f\xa0" + bytes(8)) == 4000
    assert records.decode_data(b"\x00\x00\x00\x01x" + bytes(80)) == b"x"
    assert records.decode_children(b"\x00\x00\x00\x01\x00\x00\x00\x02/a" + bytes(80)) == ["/a"]


@pytest.mark.parametrize(
    "decode",
    [
        *(records.decode_reply, records.decode_event, records.decode_connected),
        *(records.decode_data, records.decode_children),
    ],
    ids=lambda each: each.__name__,
)
def test_content_that_is_too_short_is_refused(decode: object) -> None:
    assert callable(decode)
    with pytest.raises(ValueError, match=r".+"):
        decode(b"\x00\x00\x00\x01")
