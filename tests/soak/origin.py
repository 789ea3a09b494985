"""A server whose path selects the response, `/KIND/SEED/SIZE`; most kinds are failures."""

import asyncio
import random
import socket
from collections.abc import Awaitable, Callable

from tests.soak.bodies import body, digest

HANG_SECONDS = 2.5
"""Longer than the proxy waits for a response head."""

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
_RESET = b"\1\0\0\0\0\0\0\0"


class EndError(Exception):
    """Ends the connection of a request."""


def reset(writer: Writer) -> None:
    """End the connection with a TCP reset."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


async def serve(reader: Reader, writer: Writer) -> None:
    """Serve one connection."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            await _respond(head, reader, writer)
    except (OSError, EndError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def _respond(head: bytes, reader: Reader, writer: Writer) -> None:
    kind, seed, size = head.split(b" ", 2)[1].decode().strip("/").split("/")
    lowered = head.lower()
    if kind == "echo":
        await _echo(reader, writer)
    if kind == "early":
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
        await writer.drain()
        raise EndError
    if kind == "reset-upload":
        await reader.read(1000)
        reset(writer)
        raise EndError
    received = await read_body(lowered, reader)
    if kind in FAULTS:
        await FAULTS[kind](writer, body(int(seed), int(size)))
        raise EndError
    content = body(int(seed), int(size)) if received is None else digest(received)
    writer.write(b"".join(_frame(content, int(seed))))
    await writer.drain()
    if kind == "close":
        raise EndError


async def read_body(lowered: bytes, reader: Reader) -> bytes | None:
    """Read the body after a head in lower case; return None if it has none."""
    if b"\r\ntransfer-encoding: chunked" in lowered:
        received = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            received += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
        return received
    _, found, rest = lowered.partition(b"\r\ncontent-length: ")
    return await reader.readexactly(int(rest.split(b"\r\n")[0])) if found else None


def _frame(content: bytes, seed: int) -> list[bytes]:
    if seed % 3 and content:
        return [b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content), content]
    step = 1 + seed * 37 % 70_000
    pieces = [content[start : start + step] for start in range(0, len(content), step)]
    chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces]
    return [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *chunks, b"0\r\n\r\n"]


async def _echo(reader: Reader, writer: Writer) -> None:
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    raise EndError


def _send(template: bytes, *, then_reset: bool = False) -> Callable[[Writer, bytes], Awaitable[None]]:
    async def send(writer: Writer, content: bytes) -> None:
        # The head has the length of the whole body; only half of it is sent.
        half = content[: len(content) // 2]
        writer.write(template.replace(b"LENGTH", b"%d" % len(content)).replace(b"HALF", half))
        await writer.drain()
        if then_reset:
            await asyncio.sleep(random.random() / 100)
            reset(writer)

    return send


async def _hang(writer: Writer, _content: bytes) -> None:
    await asyncio.sleep(HANG_SECONDS)


async def _send_slowly(writer: Writer, content: bytes) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(content))
    step = len(content) // 5 + 1
    for start in range(0, len(content), step):
        writer.write(content[start : start + step])
        await writer.drain()
        await asyncio.sleep(0.05)


_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: LENGTH\r\n\r\nHALF"
_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
FAULTS: dict[str, Callable[[Writer, bytes], Awaitable[None]]] = {
    "nothing": _send(b""),
    "reset": _send(b"", then_reset=True),
    "half-head": _send(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "reset-head": _send(b"HTTP/1.1 200 OK\r\nContent-Le", then_reset=True),
    "half-body": _send(_LENGTH),
    "reset-body": _send(_LENGTH, then_reset=True),
    "half-chunk": _send(_CHUNKED + b"ffffff\r\nHALF"),
    "no-last-chunk": _send(_CHUNKED + b"1\r\na\r\n"),
    "bad-chunk": _send(_CHUNKED + b"0x10\r\nHALF"),
    "rubbish": _send(b"\x16\x03\x01\x00\xff rubbish\r\n\r\n"),
    "two-lengths": _send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    "hang": _hang,
    "slow": _send_slowly,
}
COMPLETE_RESPONSES = frozenset(("slow",))
"""The kinds in FAULTS whose response is complete."""
