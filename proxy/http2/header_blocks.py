"""Header compression (RFC 7541): heads to header blocks and back.

Clients repeat heads, and so do servers. As soon as all fields of a head are in the peer's table, it has the
same block each time, until another block changes the table. So both directions remember what such blocks
mean, and a repeated head costs one look into a dictionary.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from jh2._hazmat import Decoder, Encoder, HPACKError, OversizedHeaderListError

from proxy.http2.block_syntax import BlockSyntax, BlockSyntaxError, read_syntax, skip_number
from proxy.http2.errors import COMPRESSION_ERROR, ENHANCE_YOUR_CALM, ConnectionFault
from proxy.http2.fields import Field
from proxy.http2.trailers import trailer_fields

Head = TypeVar("Head")
Meaning = TypeVar("Meaning")
Value = TypeVar("Value")

DEFAULT_TABLE_SIZE = 4096
_REMEMBERED_HEADS = 32
_REMEMBERED_BYTES = 4096
_ALWAYS_REMEMBERED_BYTES = 1024


class HeadEncoder:
    """Encodes heads, which `fields_of` takes apart, for one peer."""

    __slots__ = ("_blocks", "_encoder", "_fields_of", "_lowest_size", "_size", "_size_limit")

    def __init__(self, fields_of: Callable[[bytes], list[Field]], size_limit: int) -> None:
        self._encoder = Encoder()
        self._fields_of = fields_of
        self._size_limit = size_limit
        self._blocks: dict[bytes, bytes] = {}
        # The size from the next block on, and the lowest one since the last block.
        self._size = self._lowest_size = DEFAULT_TABLE_SIZE
        self.resize(DEFAULT_TABLE_SIZE)

    def resize(self, allowed: int) -> None:
        """Use a dynamic table of at most `allowed` bytes, from the next block on."""
        size = min(allowed, self._size_limit)
        if size != self._size:
            self._size = size
            self._lowest_size = min(size, self._lowest_size)
            self._blocks.clear()

    def encode(self, head: bytes) -> bytes:
        block = self._blocks.get(head)
        if block is None:
            block = self._encode(self._fields_of(head), head)
        return block

    def encode_trailers(self, lines: bytes) -> bytes:
        """Encode trailer lines, each of which ends with CRLF, as no head does; return b"" without fields."""
        block = self._blocks.get(lines)
        if block is None:
            fields = trailer_fields(lines)
            block = self._encode(fields, lines) if fields else b""
        return block

    def _encode(self, fields: list[Field], head: bytes) -> bytes:
        encoder = self._encoder
        # A block tells at most two changes of the size, however many there were (RFC 7541 §4.2). The encoder
        # would tell all.
        for size in (self._lowest_size, self._size):
            if size != encoder.header_table_size:
                encoder.header_table_size = size
        self._lowest_size = self._size
        block: bytes = encoder.encode(fields)
        syntax = read_syntax(block)
        if syntax.inserts or syntax.resizes:
            self._blocks.clear()
        elif len(head) <= _REMEMBERED_BYTES:
            if len(self._blocks) >= _REMEMBERED_HEADS:
                self._blocks.clear()
            self._blocks[head] = block
        return block


class _Meanings(Generic[Meaning]):
    """What blocks mean; `meaning_of` makes it of the fields, and may raise any exception.

    `now` holds as long as the table is unchanged, `always` forever: such blocks do not use the table, and the
    flag says whether they add to it. Servers that keep no table, such as nginx, send only those.
    """

    __slots__ = ("always", "meaning_of", "now")

    def __init__(self, meaning_of: Callable[[list[Field]], Meaning]) -> None:
        self.meaning_of = meaning_of
        self.now: dict[bytes, Meaning] = {}
        self.always: dict[bytes, tuple[Meaning, bool]] = {}


class HeadDecoder(Generic[Head]):
    """Decodes the blocks of one peer.

    `head_of` and `trailers_of` make heads and trailers of the fields, and may raise any exception. `most` is
    the most bytes of a list of fields, counted as in RFC 9113 §10.5.1. `table_size` is the size of the table
    that this side announces.
    """

    __slots__ = ("_decoder", "_heads", "_most", "_needs_resize", "_table_size", "_trailers")

    def __init__(
        self,
        head_of: Callable[[list[Field]], Head],
        trailers_of: Callable[[list[Field]], bytes],
        most: int,
        table_size: int,
    ) -> None:
        self._decoder = Decoder(most)
        self._decoder.max_allowed_table_size = max(table_size, DEFAULT_TABLE_SIZE)
        self._heads = _Meanings(head_of)
        self._trailers = _Meanings(trailers_of)
        self._most = most
        self._table_size = table_size
        self._needs_resize = False

    def settings_acknowledged(self) -> None:
        """Apply the announced size: from now on, the peer keeps to it, and says so if it is lower."""
        self._decoder.max_allowed_table_size = self._table_size
        self._needs_resize = self._table_size < DEFAULT_TABLE_SIZE
        self._forget()

    def decode(self, block: bytes) -> Head:
        """Return the head in a block; equal blocks may return the same object. Raises ConnectionFault."""
        head = self._heads.now.get(block)
        return self._decode_new(block, self._heads) if head is None else head

    def decode_trailers(self, block: bytes) -> bytes:
        """Return the trailer lines in a block. Raises ConnectionFault."""
        lines = self._trailers.now.get(block)
        return self._decode_new(block, self._trailers) if lines is None else lines

    def drop(self, block: bytes) -> None:
        """Decode a block that nobody wants, since later ones build on it. Raises ConnectionFault."""
        self._decode(block)

    def _decode_new(self, block: bytes, meanings: _Meanings[Meaning]) -> Meaning:
        known = meanings.always.get(block)
        if known is not None and not self._needs_resize:
            meaning, inserts = known
            if inserts:
                # All of it was checked before, but the table changes.
                self._decoder.decode(block, True)
                self._forget()
            return meaning
        fields, syntax = self._decode(block)
        meaning = meanings.meaning_of(fields)
        if len(block) <= _REMEMBERED_BYTES and not syntax.resizes:
            if not syntax.refers and len(block) <= _ALWAYS_REMEMBERED_BYTES:
                _remember(meanings.always, block, (meaning, syntax.inserts))
            elif not syntax.inserts:
                _remember(meanings.now, block, meaning)
        return meaning

    def _forget(self) -> None:
        """Forget what depended on the table."""
        self._heads.now.clear()
        self._trailers.now.clear()

    def _decode(self, block: bytes) -> tuple[list[Field], BlockSyntax]:
        """Return the fields, and what the block does."""
        try:
            syntax = read_syntax(block)
            if self._needs_resize and not syntax.resizes:
                raise ConnectionFault(COMPRESSION_ERROR, "the header table was not made smaller")
            self._needs_resize = False
            fields: list[Field] = self._decoder.decode(block, True)
        except OversizedHeaderListError:
            raise ConnectionFault(
                ENHANCE_YOUR_CALM, f"a header list of more than {self._most} bytes"
            ) from None
        except (BlockSyntaxError, HPACKError) as error:
            raise ConnectionFault(COMPRESSION_ERROR, str(error)) from None
        for index, is_name, code in syntax.doubtful:
            name, value, _ = fields[index]
            if _huffman_code(name if is_name else value) != code:
                raise ConnectionFault(COMPRESSION_ERROR, "a Huffman code is padded with zeros")
        if syntax.inserts or syntax.resizes:
            self._forget()
        return fields, syntax


def _remember(known: dict[bytes, Value], block: bytes, meaning: Value) -> None:
    if len(known) >= _REMEMBERED_HEADS:
        known.clear()
    known[block] = meaning


def _huffman_code(text: bytes) -> bytes:
    """Return the only Huffman code of a string (RFC 7541 §5.2)."""
    # A field with a name of the static table: one byte for the name, the length of the value, the value.
    block: bytes = Encoder().encode([(b":path", text, True)], True)
    return block[skip_number(block, 1, 0x7F)[0] :]
