"""The syntax of header blocks (RFC 7541 §6), as far as the decoder does not check or tell it.

The decoder accepts a change of the table's size in the middle of a block (§4.2), and padding of a Huffman
code by other bits than ones (§5.2). Nor does it tell whether a block has changed the table.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# Fields from the tables, with an index in one byte.
_INDEXED = re.compile(rb"[\x81-\xfe]+")
_STATIC_FIELDS = 61
MAX_SIZE_UPDATES = 2
"""Updates at the start of one block: the lowest size in between, and the final one (§4.2)."""


class BlockSyntaxError(ValueError):
    """The block is malformed: a COMPRESSION_ERROR."""


class BlockSyntax(NamedTuple):
    """`inserts`: the block adds fields to the dynamic table. `resizes`: it begins with a change of its size.

    `refers`: it uses fields of the dynamic table, so what it means depends on that. A block of nothing but
    fields from the tables counts as one that does.

    `doubtful` are Huffman codes whose padding must be checked: the index of a field in the block, whether the
    code is the name's, and the code.
    """

    inserts: bool
    resizes: bool
    refers: bool
    doubtful: tuple[tuple[int, bool, bytes], ...]


_ONLY_INDEXED = BlockSyntax(False, False, True, ())


def read_syntax(block: bytes) -> BlockSyntax:
    """Return what the block does. Raises BlockSyntaxError."""
    match = _INDEXED.match(block)
    position = 0 if match is None else match.end()
    end = len(block)
    if position == end:
        return _ONLY_INDEXED
    field = position
    inserts = False
    # Bytes of fields from the tables increase with their index.
    refers = match is not None and max(match[0]) > 0x80 + _STATIC_FIELDS
    updates = 0
    doubtful: list[tuple[int, bool, bytes]] = []
    try:
        while position < end:
            first = block[position]
            if first & 0x80:
                match = _INDEXED.match(block, position)
                if match is not None:
                    field += match.end() - position
                    refers = refers or max(match[0]) > 0x80 + _STATIC_FIELDS
                    position = match.end()
                    continue
                position = skip_number(block, position, 0x7F)[0]
                refers = True
            elif first & 0x60 == 0x20:
                updates += 1
                if field or updates > MAX_SIZE_UPDATES:
                    raise BlockSyntaxError("a change of the table's size after the start of the block")
                position = skip_number(block, position, 0x1F)[0]
                continue
            else:
                inserts = inserts or bool(first & 0x40)
                position, index = skip_number(block, position, 0x3F if first & 0x40 else 0x0F)
                refers = refers or index > _STATIC_FIELDS
                if not index:
                    position = _skip_string(block, position, field, True, doubtful)
                position = _skip_string(block, position, field, False, doubtful)
            field += 1
    except IndexError:
        raise BlockSyntaxError("the block ends within a field") from None
    if position > end:
        raise BlockSyntaxError("the block ends within a field")
    return BlockSyntax(inserts, updates > 0, refers, tuple(doubtful))


def skip_number(block: bytes, position: int, mask: int) -> tuple[int, int]:
    """Return the position after a number, and the number (RFC 7541 §5.1)."""
    number = block[position] & mask
    position += 1
    if number < mask:
        return position, number
    for shift in range(0, 28, 7):
        octet = block[position]
        position += 1
        number += (octet & 0x7F) << shift
        if not octet & 0x80:
            return position, number
    raise BlockSyntaxError("a number is too large")


def _skip_string(
    block: bytes, position: int, field: int, is_name: bool, doubtful: list[tuple[int, bool, bytes]]
) -> int:
    """Return the position after a string; it may be after the end of the block."""
    is_huffman = block[position] & 0x80
    start, length = skip_number(block, position, 0x7F)
    after = start + length
    # Padding is made of ones. A last bit of zero is right only if the code ends with the byte.
    if is_huffman and length and after <= len(block) and not block[after - 1] & 1:
        doubtful.append((field, is_name, block[start:after]))
    return after
