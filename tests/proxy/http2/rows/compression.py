"""HPACK (RFC 7541): representations, tables, and faults, which are always errors of the connection."""

from dataclasses import replace

from tests.lab.http2.client import HOST, Client, head
from tests.lab.http2.frames import COMPRESSION_ERROR, HEADER_TABLE_SIZE, data, headers, rst_stream, settings
from tests.lab.http2.hpack import (
    FIRST_DYNAMIC,
    METHOD_GET,
    METHOD_POST,
    PATH_ROOT,
    SCHEME_HTTP,
    added,
    huffman,
    indexed,
    integer,
    literal,
    never_indexed,
    string,
    table_size,
)
from tests.proxy.http2.rows.row import Outcome, Row, Step, answered, connection_error, malformed, over, row

AUTHORITY = literal(1, HOST)
BASE = METHOD_GET + SCHEME_HTTP + PATH_ROOT + AUTHORITY
POSTING = METHOD_POST + SCHEME_HTTP + PATH_ROOT + AUTHORITY
FAULT = connection_error(COMPRESSION_ERROR)


def _bad(section: str, name: str, block: bytes) -> Row:
    return row(f"RFC 7541 {section}", name, headers(1, block), then=FAULT)


def _good(section: str, name: str, *blocks: bytes, then: Outcome | None = None) -> Row:
    """Return a row with a request for each block, one after the other."""
    steps: list[Step] = []
    for number, block in zip(range(1, 1000, 2), blocks, strict=False):
        steps += [headers(number, block), over(number)]
    last = 2 * len(blocks) - 1
    return row(f"RFC 7541 {section}", name, *steps, then=then or answered(on=last))


INTEGERS: list[Row] = [
    # Limits of the length of an integer are left to implementations.
    _good(
        "5.1",
        "integer with octets of zero",
        BASE + b"\x00\x7f\x81\x80\x80\x00" + bytes([97]) * 128 + string(b"v"),
        then=answered() | FAULT,
    ),
    _bad("5.1", "index with ten octets", BASE + b"\xff" + b"\x80" * 9 + b"\x01"),
    _bad("5.1", "index above 2^32", BASE + b"\xff\xff\xff\xff\xff\xff\x0f"),
    _bad("5.1", "length above 2^63", BASE + b"\x00\x7f" + b"\xff" * 9 + b"\x7f"),
    _bad("5.1", "integer without its last octet", BASE + b"\xff\x80"),
    _bad("5.1", "integer without further octets", BASE + b"\xff"),
    _bad("5.1", "integer that never ends", BASE + b"\xff" + b"\x80" * 2000),
]

STRINGS: list[Row] = [
    _bad("5.2", "name without its end", BASE + b"\x00\x05ab"),
    _bad("5.2", "name without its length", BASE + b"\x00"),
    _bad("5.2", "value without its end", BASE + b"\x00" + string(b"x-a") + b"\x05ab"),
    _bad("5.2", "value without its length", BASE + b"\x00" + string(b"x-a")),
    _bad("5.2", "value of an indexed name without its length", BASE + b"\x0f\x2b"),
    _bad("5.2", "length of 2^30", BASE + b"\x00" + string(b"x-a") + integer(1 << 30, 7) + b"abc"),
    # "www.example.com", RFC 7541 C.4.1.
    _good(
        "5.2",
        "Huffman-coded value",
        METHOD_GET + SCHEME_HTTP + PATH_ROOT + b"\x01" + huffman(bytes.fromhex("f1e3c2e5f23a6ba0ab90f4ff")),
    ),
    # "custom-key" and "custom-value", C.4.3.
    _good(
        "5.2",
        "Huffman-coded name",
        BASE
        + b"\x00"
        + huffman(bytes.fromhex("25a849e95ba97d7f"))
        + huffman(bytes.fromhex("25a849e95bb8e8b4bf")),
    ),
    _good("5.2", "Huffman-coded empty value", BASE + b"\x00" + string(b"x-a") + huffman(b"")),
    # "0" is 00000, and padding is the first bits of EOS, all of them ones.
    _good("5.2", "Huffman padding of 3 bits", BASE + b"\x00" + string(b"x-a") + huffman(b"\x07")),
    _bad("5.2", "Huffman padding of 8 bits", BASE + b"\x00" + string(b"x-a") + huffman(b"\x07\xff")),
    _bad("5.2", "Huffman padding of 11 bits", BASE + b"\x00" + string(b"x-a") + huffman(b"\x07\xff\xff")),
    _bad("5.2", "nothing but Huffman padding", BASE + b"\x00" + string(b"x-a") + huffman(b"\xff")),
    _bad("5.2", "Huffman padding of zeros", BASE + b"\x00" + string(b"x-a") + huffman(b"\x00")),
    _bad("5.2", "Huffman padding with a zero", BASE + b"\x00" + string(b"x-a") + huffman(b"\x06")),
    _bad(
        "5.2", "EOS in a Huffman-coded value", BASE + b"\x00" + string(b"x-a") + huffman(b"\xff\xff\xff\xff")
    ),
    _bad("5.2", "EOS in a Huffman-coded name", BASE + b"\x00" + huffman(b"\xff\xff\xff\xfc") + string(b"v")),
    _bad(
        "5.2",
        "EOS between Huffman codes",
        BASE + b"\x00" + string(b"x-a") + huffman(b"\x07\xff\xff\xff\xe0\x1f"),
    ),
]

INDICES: list[Row] = [
    _bad("6.1", "index 0", BASE + b"\x80"),
    _bad("6.1", "index above an empty dynamic table", BASE + indexed(FIRST_DYNAMIC)),
    _bad("6.1", "index far above the tables", BASE + indexed(5000)),
    _bad(
        "6.1", "index 2 above a table with one entry", added(b"x-a", b"1") + indexed(FIRST_DYNAMIC + 1) + BASE
    ),
    _bad("6.2.1", "name of an index above the tables", BASE + b"\x7f\x20" + string(b"v")),
    _bad("6.2.2", "name of an index above the tables, not indexed", BASE + literal(200, b"v")),
    _bad("6.2.3", "name of an index above the tables, never indexed", BASE + never_indexed(200, b"v")),
    _good(
        "6.1",
        "fields of the static table alone",
        METHOD_GET + SCHEME_HTTP + PATH_ROOT + AUTHORITY + indexed(16),
    ),
    _good("6.2.2", "literals without indexing", BASE + literal(b"x-a", b"1") + literal(58, b"agent")),
    _good(
        "6.2.3", "literals never indexed", BASE + never_indexed(b"x-a", b"1") + never_indexed(58, b"agent")
    ),
    _good("6.2.1", "literals with indexing", BASE + added(b"x-a", b"1") + added(58, b"agent")),
    _good("2.3.2", "an entry used in its block", BASE + added(b"x-a", b"1") + indexed(FIRST_DYNAMIC)),
    _good(
        "2.3.2", "an entry used by a later request", BASE + added(b"x-a", b"1"), BASE + indexed(FIRST_DYNAMIC)
    ),
    _good(
        "2.3.2",
        "an entry's name used by a later request",
        BASE + added(b"x-a", b"1"),
        BASE + literal(FIRST_DYNAMIC, b"2"),
    ),
    _good(
        "2.3.2",
        "a request of one entry for its host",
        METHOD_GET + SCHEME_HTTP + PATH_ROOT + added(1, HOST),
        METHOD_GET + SCHEME_HTTP + PATH_ROOT + indexed(FIRST_DYNAMIC),
    ),
    _good(
        "2.3.3",
        "an entry twice in the table",
        BASE + added(b"x-a", b"1") + added(b"x-a", b"1"),
        BASE + indexed(FIRST_DYNAMIC) + indexed(FIRST_DYNAMIC + 1),
    ),
]

_FILL = b"".join(added(b"x-%d" % number, bytes([97]) * 1000) for number in range(5))
"""Five entries of about 1,035 bytes; a table of 4,096 bytes holds three of them."""


def _above(block: bytes = b"") -> Step:
    """Send a block that starts with a table above the size that the server allows."""
    return lambda client: client.send(
        headers(1, table_size(client.settings.get(HEADER_TABLE_SIZE, 4096) + 1) + block + BASE)
    )


TABLES: list[Row] = [
    _good("4.3", "table of size 0", table_size(0) + BASE),
    _good("4.3", "table of the largest size", table_size(4096) + BASE),
    _good("4.2", "table emptied and enlarged in one block", table_size(0) + table_size(4096) + BASE),
    row("RFC 7541 6.3", "table above the server's limit", _above(), then=FAULT),
    row(
        "RFC 7541 6.3", "table above the server's limit after a valid size", _above(table_size(0)), then=FAULT
    ),
    _bad("6.3", "table of 2^32", table_size(1 << 32) + BASE),
    _bad("4.2", "size between fields", METHOD_GET + table_size(100) + SCHEME_HTTP + PATH_ROOT + AUTHORITY),
    _bad("4.2", "size at the end of a block", BASE + table_size(100)),
    _bad("6.3", "size without its last octet", b"\x3f"),
    row(
        "RFC 7541 4.2",
        "size at the start of trailers",
        headers(1, POSTING, ended=False),
        headers(1, table_size(50) + literal(b"x-a", b"1")),
        then=answered(),
    ),
    _bad(
        "4.3",
        "an entry of an emptied table",
        added(b"x-a", b"1")[:0] + table_size(0) + added(b"x-a", b"1") + indexed(FIRST_DYNAMIC) + BASE,
    ),
    row(
        "RFC 7541 4.3",
        "an entry that a smaller table has lost",
        headers(1, BASE + added(b"x-a", b"1")),
        over(1),
        headers(3, table_size(0) + BASE),
        over(3),
        headers(5, table_size(4096) + BASE + indexed(FIRST_DYNAMIC)),
        then=FAULT,
    ),
    row(
        "RFC 7541 4.4",
        "an entry above the table's size empties it",
        headers(1, BASE + added(b"x-a", b"1")),
        over(1),
        headers(3, BASE + added(b"x-b", bytes([97]) * 4100)),
        over(3),
        headers(5, BASE + indexed(FIRST_DYNAMIC)),
        then=FAULT,
    ),
    _good(
        "4.4",
        "an entry of exactly the table's size",
        BASE + added(b"x-b", bytes([97]) * (4096 - 32 - 3)),
        BASE + indexed(FIRST_DYNAMIC),
    ),
    row(
        "RFC 7541 4.4",
        "an entry one byte above the table's size",
        headers(1, BASE + added(b"x-b", bytes([97]) * (4096 - 32 - 2))),
        over(1),
        headers(3, BASE + indexed(FIRST_DYNAMIC)),
        then=FAULT,
    ),
    _good(
        "4.1",
        "the oldest entries are evicted",
        BASE + _FILL,
        BASE + indexed(FIRST_DYNAMIC) + indexed(FIRST_DYNAMIC + 2),
    ),
    row(
        "RFC 7541 4.1",
        "an evicted entry",
        headers(1, BASE + _FILL),
        over(1),
        headers(3, BASE + indexed(FIRST_DYNAMIC + 3)),
        then=FAULT,
    ),
    _good(
        "4.4",
        "a new entry with the name of one that it evicts",
        BASE + added(b"x-a", b"1") + added(b"x-b", bytes([97]) * 3900),
        BASE + added(FIRST_DYNAMIC + 1, bytes([98]) * 3900),
        BASE + indexed(FIRST_DYNAMIC),
    ),
]

_UPPER = added(b"X-Upper", b"1")

# The tables belong to the connection, whatever becomes of a request.
SURVIVAL: list[Row] = [
    _good(
        "2.2",
        "entries of a malformed request",
        BASE + _UPPER + added(b"x-a", b"1"),
        BASE + indexed(FIRST_DYNAMIC),
    ),
    _good(
        "2.2",
        "a malformed entry used again",
        BASE + _UPPER,
        BASE + indexed(FIRST_DYNAMIC),
        then=malformed(on=3),
    ),
    row(
        "RFC 7541 2.2",
        "entries of a request that was reset",
        headers(1, POSTING + added(b"x-a", b"1"), ended=False),
        rst_stream(1),
        headers(3, BASE + indexed(FIRST_DYNAMIC)),
        then=answered(on=3),
    ),
    row(
        "RFC 7541 2.2",
        "entries of trailers of a stream that was reset",
        headers(1, POSTING, ended=False),
        rst_stream(1),
        headers(3, POSTING, ended=False),
        headers(3, added(b"x-a", b"1")),
        over(3),
        headers(5, BASE + indexed(FIRST_DYNAMIC)),
        then=answered(on=5),
    ),
    row(
        "RFC 7541 2.2",
        "entries of trailers",
        headers(1, POSTING, ended=False),
        data(1, b"x"),
        headers(1, added(b"x-a", b"1")),
        over(1),
        headers(3, BASE + indexed(FIRST_DYNAMIC)),
        then=answered(on=3),
    ),
    row(
        "RFC 7541 2.2",
        "entries of a request with a wrong length",
        headers(1, POSTING + literal(28, b"3") + added(b"x-a", b"1"), ended=False),
        data(1, b"x", ended=True),
        over(1),
        headers(3, BASE + indexed(FIRST_DYNAMIC)),
        then=answered(on=3),
    ),
]


def _with_table(size: int, name: str, *steps: Step) -> Row:
    """Return a row whose client limits the server's dynamic table, which the decoder enforces."""

    def check(client: Client) -> bool:
        # The decoder raises an error at a table above its limit.
        return client.stream(5).status == 200

    made = row(
        "RFC 7541 4.2", name, settings((HEADER_TABLE_SIZE, size)), *steps, then=answered(on=5), check=check
    )
    return replace(made, table=size)


_THREE: tuple[Step, ...] = (
    headers(1, head()),
    over(1),
    headers(3, head()),
    over(3),
    headers(5, head()),
    over(5),
)

LIMITS: list[Row] = [
    _with_table(0, "the server's table of size 0", *_THREE),
    _with_table(50, "the server's table of 50 bytes", *_THREE),
    _with_table(1 << 20, "the server's table of 1 MiB", *_THREE),
]

ROWS = INTEGERS + STRINGS + INDICES + TABLES + SURVIVAL + LIMITS
