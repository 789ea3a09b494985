"""Header compression: what blocks mean, which are refused, and that repeated heads are remembered rightly."""

import hpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http2.block_syntax import BlockSyntaxError, read_syntax
from proxy.http2.errors import COMPRESSION_ERROR, ENHANCE_YOUR_CALM, ConnectionFault
from proxy.http2.fields import Field
from proxy.http2.header_blocks import HeadDecoder, HeadEncoder
from proxy.http2.response_head import response_fields
from proxy.http2.trailers import trailer_lines

LITERAL = b"\x00\x01a\x01b"
INSERTED = b"\x40\x01a\x01b"
PAIRS = st.lists(st.tuples(st.binary(min_size=1, max_size=200), st.binary(max_size=200)), max_size=8)


def decoder(table_size: int = 4096, most: int = 65536) -> HeadDecoder[list[Field]]:
    return HeadDecoder(list, trailer_lines, most, table_size)


@pytest.mark.parametrize(
    ("block", "inserts", "resizes"),
    [
        (b"", False, False),
        (b"\x82\x84", False, False),
        (LITERAL, False, False),
        (b"\x82" + INSERTED + b"\x84", True, False),
        (b"\x20\x82", False, True),
        (b"\x20\x3f\xe1\x1f\x82", False, True),
        (b"\x7f\x00\x01b", True, False),
        (b"\x82" * 300 + b"\xff\x00", False, False),
    ],
    ids=["empty", "indexed", "literal", "inserted", "resized", "resized twice", "long index", "many"],
)
def test_syntax(block: bytes, inserts: bool, resizes: bool) -> None:
    syntax = read_syntax(block)
    assert (syntax.inserts, syntax.resizes) == (inserts, resizes)


@pytest.mark.parametrize(
    "block",
    [
        b"\x82\x20",
        b"\x20\x20\x20\x82",
        LITERAL + b"\x3f\xe1\x1f",
        LITERAL[:-1],
        b"\x00\x05a",
        b"\x40",
        b"\xff",
        b"\xff\xff\xff\xff\xff\xff\xff",
        b"\x00\x7f\xff\xff\xff\xff\xff\x0f",
    ],
    ids=bytes.hex,
)
def test_broken_syntax(block: bytes) -> None:
    with pytest.raises(BlockSyntaxError):
        read_syntax(block)


@pytest.mark.parametrize(
    "block",
    [
        b"\x80",
        b"\xff\x80\x01",
        b"\x3f\xe2\x1f",
        b"\x82\x20",
        # "a" is 00011: the padding must be ones, shorter than a byte, and the code for the end must not come.
        b"\x00\x01x\x81\x18",
        b"\x00\x01x\x82\x1f\xff",
        b"\x00\x01x\x84\xff\xff\xff\xff",
        b"\x00\x81\x18\x01x",
    ],
    ids=bytes.hex,
)
def test_blocks_that_break_compression(block: bytes) -> None:
    with pytest.raises(ConnectionFault) as fault:
        decoder().decode(block)
    assert fault.value.code == COMPRESSION_ERROR


def test_a_huffman_code_may_end_with_its_byte() -> None:
    # "0" is five bits of zero.
    assert decoder().decode(b"\x00\x01x\x85\x00\x00\x00\x00\x00") == [(b"x", b"00000000", False)]


def test_a_list_that_grows_too_large_ends_the_connection() -> None:
    tested = decoder(most=16384)
    assert tested.decode(b"\x40\x01a\x7f\x81\x1e" + b"x" * 3968)[0][0] == b"a"
    with pytest.raises(ConnectionFault) as fault:
        tested.decode(b"\xbe" * 100)
    assert fault.value.code == ENHANCE_YOUR_CALM


def test_a_smaller_table_must_be_confirmed() -> None:
    tested = decoder(table_size=100)
    assert tested.decode(INSERTED) == [(b"a", b"b", False)]
    tested.settings_acknowledged()
    with pytest.raises(ConnectionFault):
        tested.decode(b"\x82")
    tested = decoder(table_size=100)
    tested.settings_acknowledged()
    assert tested.decode(b"\x3f\x45\x82") == [(b":method", b"GET", False)]
    assert tested.decode(b"\x82") == [(b":method", b"GET", False)]
    with pytest.raises(ConnectionFault):
        tested.decode(b"\x3f\x46\x82")


def test_equal_blocks_have_one_meaning_until_the_table_changes() -> None:
    tested = decoder()
    tested.decode(INSERTED)
    first = tested.decode(b"\xbe")
    assert tested.decode(b"\xbe") is first
    tested.decode(b"\x40\x01c\x01d")
    assert tested.decode(b"\xbe") == [(b"c", b"d", False)]
    assert tested.decode(b"\xbf") == [(b"a", b"b", False)]


def test_a_block_that_only_adds_to_the_table_has_one_meaning_forever() -> None:
    tested = decoder()
    first = tested.decode(INSERTED)
    tested.decode(b"\x40\x01c\x01d")
    assert tested.decode(INSERTED) is first
    # The table has the field once more.
    assert tested.decode(b"\xbe\xbf\xc0") == [(b"a", b"b", False), (b"c", b"d", False), (b"a", b"b", False)]


@pytest.mark.parametrize(
    "refers", [b"\xbe", b"\x82\xbe\x84", b"\x7e\x01x", b"\x0f\x2f\x01x", b"\xff\x00"], ids=bytes.hex
)
def test_a_block_that_uses_the_table_has_its_meaning_only_now(refers: bytes) -> None:
    tested = decoder()
    for name in b"abcdefghijklmnopqrstuvwxyz" * 3:
        tested.decode(b"\x40\x01" + bytes([name]) + b"\x01v")
    block = refers + INSERTED
    assert read_syntax(block).refers
    before = tested.decode(block)
    assert tested.decode(block) != before


def test_equal_trailers_have_one_meaning_until_the_table_changes() -> None:
    tested = decoder()
    tested.decode(INSERTED)
    assert tested.decode_trailers(b"\xbe") == b"a: b\r\n"
    assert tested.decode_trailers(b"\xbe") == b"a: b\r\n"
    assert tested.decode(b"\xbe") == [(b"a", b"b", False)]
    tested.decode_trailers(b"\x40\x01c\x01d")
    assert tested.decode_trailers(b"\xbe") == b"c: d\r\n"


def test_repeated_trailers_have_one_block_until_the_table_changes() -> None:
    tested = HeadEncoder(response_fields, 4096)
    peer = hpack.Decoder()
    blocks = [tested.encode_trailers(b"a: b\r\n") for _ in range(3)]
    assert blocks[1] is blocks[2]
    blocks.append(tested.encode(b"HTTP/1.1 200 OK\r\nX-C: d"))
    blocks.append(tested.encode_trailers(b"a: b\r\n"))
    found = [peer.decode(block, raw=True) for block in blocks]
    assert [fields for fields in found if fields[0][0] != b":status"] == [[(b"a", b"b")]] * 4
    assert tested.encode_trailers(b"") == b""


def test_a_repeated_head_has_one_block_until_the_table_changes() -> None:
    head = b"HTTP/1.1 200 OK\r\nX-A: b"
    tested = HeadEncoder(response_fields, 4096)
    peer = hpack.Decoder()
    blocks = [tested.encode(head) for _ in range(3)]
    assert blocks[1] is blocks[2]
    other = tested.encode(b"HTTP/1.1 200 OK\r\nX-C: d")
    for block in [*blocks, other, tested.encode(head)]:
        fields = peer.decode(block, raw=True)
        assert fields[0] == (b":status", b"200")
        assert fields[1] == ((b"x-c", b"d") if block is other else (b"x-a", b"b"))


def test_the_peer_learns_of_a_smaller_table() -> None:
    tested = HeadEncoder(response_fields, 4096)
    peer = hpack.Decoder()
    head = b"HTTP/1.1 200 OK\r\nX-A: b"
    peer.decode(tested.encode(head))
    tested.resize(0)
    tested.resize(2000)
    assert tested.encode(head)[:1] == b"\x20"
    peer.max_allowed_table_size = 0
    tested.resize(0)
    assert peer.decode(tested.encode(head), raw=True)[1] == (b"x-a", b"b")


@pytest.mark.parametrize(
    ("sizes", "updates"),
    [
        ((100, 50, 200), b"\x3f\x13\x3f\xa9\x01"),
        ((0, 4096, 0, 4096), b"\x20\x3f\xe1\x1f"),
        ((9, 4096, 9), b"\x29"),
    ],
    ids=["down and up", "to and fro", "down"],
)
def test_a_block_tells_the_lowest_and_the_last_of_many_sizes(sizes: tuple[int, ...], updates: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nX-A: b"
    tested = HeadEncoder(response_fields, 4096)
    peer = hpack.Decoder()
    fields = peer.decode(tested.encode(head), raw=True)
    for size in sizes:
        tested.resize(size)
    block = tested.encode(head)
    assert block.startswith(updates)
    peer.max_allowed_table_size = sizes[-1]
    assert peer.decode(block, raw=True) == peer.decode(tested.encode(head), raw=True) == fields


def test_the_table_is_never_larger_than_the_setting() -> None:
    tested = HeadEncoder(response_fields, 0)
    head = b"HTTP/1.1 200 OK\r\nX-A: b"
    peer = hpack.Decoder()
    for size in (4096, 65536, 4096):
        tested.resize(size)
        peer.decode(tested.encode(head))
        assert not peer.header_table.dynamic_entries


@given(st.lists(PAIRS, max_size=6), st.booleans())
def test_blocks_of_another_encoder_are_understood(
    lists: list[list[tuple[bytes, bytes]]], huffman: bool
) -> None:
    encoder = hpack.Encoder()
    tested = decoder()
    for pairs in lists:
        for _ in range(2):
            fields = tested.decode(encoder.encode(pairs, huffman=huffman))
            assert [(name, value) for name, value, _ in fields] == pairs


@given(st.binary(max_size=60))
def test_any_bytes_are_fields_or_a_fault(block: bytes) -> None:
    tested = decoder()
    try:
        fields = tested.decode(block)
    except ConnectionFault:
        return
    syntax = read_syntax(block)
    again = decoder()
    assert [again.decode(block) for _ in range(2)] == [fields, fields] or syntax.refers
    assert all(index < len(fields) for index, _, _ in syntax.doubtful)
