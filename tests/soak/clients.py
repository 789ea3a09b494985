"""Clients of every kind. Each judges its answers: right, failed and shown to be so, or wrong (an error)."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.soak.bodies import body, digest
from tests.soak.origin import FAULTS, RIGHT_ALL_THE_SAME, Reader, Writer, read_body, reset

PATIENCE = 15.0
"""Seconds for any answer; the proxy's own time-outs are far below."""

HONEST = frozenset((502, 503, 504))


class WrongError(Exception):
    """An answer that passed for right, or none at all."""


@dataclass
class Scene:
    """Where the proxy listens, the hosts it serves, and what has come of it so far."""

    port: int
    sound: str
    one_dead: str
    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


@dataclass
class Got:
    """`content` is None when the answer was cut, or did not come: the connection ended first."""

    status: int = 0
    content: bytes | None = None


class Line:
    """A connection to the proxy."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        try:
            self.writer.write(data)
            await self.writer.drain()
        except OSError:
            # An answer may have come all the same.
            pass

    async def answer(self) -> Got:
        got = Got()
        try:
            head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
            got.status = int(head[9:12])
            content = await read_body(head, self.reader)
            got.content = await self.reader.read() if content is None else content
        except (OSError, asyncio.IncompleteReadError, ValueError):
            pass
        return got


def head(host: str, kind: str, seed: int, size: int, method: str = "GET", more: str = "") -> bytes:
    return f"{method} /{kind}/{seed}/{size} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode()


def chosen() -> tuple[int, int]:
    """A seed and a size."""
    return random.randrange(1, 30), random.choice((0, 1, 65, 1000, 10_000, 70_000, 400_000))


def judge(scene: Scene, name: str, got: Got, expected: bytes, *, must: bool = False) -> None:
    """Count what came; raises WrongError for what is neither right nor an honest failure."""
    if got.status == 200 and got.content == expected:
        scene.outcomes[f"{name}: right"] += 1
    elif got.content is None or got.status in HONEST:
        if must:
            raise WrongError(f"{name}: {got.status} without need")
        scene.outcomes[
            f"{name}: {got.status or 'no'} answer{'' if got.content is not None else ', cut'}"
        ] += 1
    else:
        raise WrongError(f"{name}: {got.status} with {len(got.content)} bytes instead of {len(expected)}")


async def gets(scene: Scene, line: Line) -> None:
    """Some GETs, one after the other; of two servers one may be dead."""
    for _ in range(random.randrange(1, 10)):
        seed, size = chosen()
        host, kind = random.choice((scene.sound, scene.one_dead)), random.choice(("ok", "ok", "close"))
        await line.send(head(host, kind, seed, size))
        judge(scene, "get", await line.answer(), body(seed, size), must=True)


async def pipelined(scene: Scene, line: Line) -> None:
    """Several requests in one piece; answers in order."""
    wanted = [chosen() for _ in range(4)]
    await line.send(b"".join(head(scene.sound, "ok", seed, size) for seed, size in wanted))
    for seed, size in wanted:
        judge(scene, "pipelined", await line.answer(), body(seed, size), must=True)


async def uploads(scene: Scene, line: Line) -> None:
    """POST with a length or in chunks, up to 3 MB, in pieces of any size."""
    seed, size = random.randrange(1, 30), random.choice((1, 1000, 100_000, 3_000_000))
    content = body(seed, size)
    chunked = random.random() < 0.5
    framing = "Transfer-Encoding: chunked\r\n" if chunked else f"Content-Length: {size}\r\n"
    await line.send(head(scene.sound, "ok", seed, 0, "POST", framing))
    step = random.choice((1 << 10, 1 << 14, 1 << 18)) if size < 1_000_000 else 1 << 17
    for start in range(0, size, step):
        piece = content[start : start + step]
        await line.send(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
    if chunked:
        await line.send(b"0\r\n\r\n")
    # A kept connection that ends just then is an honest 502 for a POST.
    judge(scene, "upload", await line.answer(), digest(content))


async def faults(scene: Scene, line: Line) -> None:
    """A server that fails: at whatever stage, it must show."""
    kind = random.choice(list(FAULTS))
    seed, size = random.randrange(1, 30), random.choice((10, 1000, 400_000))
    await line.send(head(scene.sound, kind, seed, size))
    got = await line.answer()
    if kind not in RIGHT_ALL_THE_SAME and got.status == 200 and got.content is not None:
        raise WrongError(f"{kind}: passed for a whole answer of {len(got.content)} bytes")
    judge(scene, kind, got, body(seed, size))


async def refused_uploads(scene: Scene, line: Line) -> None:
    """A server that answers, or breaks, before it has read the body."""
    kind = random.choice(("early", "reset-upload"))
    content = body(1, 1_000_000)
    await line.send(head(scene.sound, kind, 1, 0, "POST", f"Content-Length: {len(content)}\r\n") + content)
    got = await line.answer()
    if got.status not in HONEST | {0, 413}:
        raise WrongError(f"{kind}: {got.status}")
    scene.outcomes[f"{kind}: {got.status or 'no'} answer"] += 1


async def tunnels(scene: Scene, line: Line) -> None:
    """An upgraded connection that echoes."""
    await line.send(head(scene.sound, "echo", 1, 0, more="Connection: Upgrade\r\nUpgrade: echo\r\n"))
    try:
        if not (await line.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 "):
            raise WrongError("tunnel: no 101")
        for _ in range(random.randrange(1, 20)):
            message = body(random.randrange(1, 30), random.choice((1, 100, 50_000)))
            await line.send(message)
            if await line.reader.readexactly(len(message)) != message:
                raise WrongError("tunnel: another echo")
    except asyncio.IncompleteReadError as error:
        raise WrongError("tunnel: cut") from error
    scene.outcomes["tunnel: right"] += 1


async def slow(scene: Scene, line: Line) -> None:
    """A head in small pieces, and an answer read with pauses."""
    request = head(scene.sound, "ok", 5, 400_000)
    for start in range(0, len(request), 20):
        await line.send(request[start : start + 20])
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)
    judge(scene, "slow reader", await line.answer(), body(5, 400_000), must=True)


async def leaving(scene: Scene, line: Line) -> None:
    """Gone at any moment, orderly or not."""
    data = random.choice(
        (
            head(scene.sound, random.choice(("ok", "slow", "hang")), 4, 400_000),
            head(scene.sound, "ok", 4, 0, "POST", "Content-Length: 100000\r\n") + body(4, 50_000),
            b"GET /ok/1/1 HTTP/1.1\r\nHos",
        )
    )
    await line.send(data)
    await asyncio.sleep(random.random() / 10)
    if random.random() < 0.5:
        reset(line.writer)
    scene.outcomes["left"] += 1


async def malformed(scene: Scene, line: Line) -> None:
    """What is no request, or asks for smuggling."""
    bad = random.choice(
        (
            random.randbytes(40) + b"\r\n\r\n",
            b"POST /ok/1/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"POST /ok/1/1 HTTP/1.1\r\nHost: %b\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n"
            % scene.sound.encode(),
            b"GET /ok/1/1 HTTP/1.1\r\n\r\n",
        )
    )
    await line.send(bad)
    got = await line.answer()
    if got.status not in {400, 414, 431, 505, 0}:
        raise WrongError(f"malformed: {got.status} to {bad!r}")
    scene.outcomes[f"malformed: {got.status or 'no'} answer"] += 1


KINDS: list[tuple[Callable[[Scene, Line], Awaitable[None]], int]] = [
    (gets, 8), (pipelined, 3), (uploads, 3), (faults, 6), (refused_uploads, 1),
    (tunnels, 2), (slow, 1), (leaving, 3), (malformed, 2),
]  # fmt: skip


async def client(scene: Scene, until: float) -> None:
    """One client after the other, each of a kind of its own, until the loop's clock says so."""
    clock = asyncio.get_running_loop().time
    kinds, weights = zip(*KINDS, strict=True)
    while clock() < until:
        kind = random.choices(kinds, weights)[0]
        line = Line(*await asyncio.open_connection("127.0.0.1", scene.port, limit=1 << 20))
        try:
            await asyncio.wait_for(kind(scene, line), PATIENCE)
        except WrongError as error:
            scene.wrong.append(str(error))
        except TimeoutError:
            scene.wrong.append(f"{kind.__name__}: no end within {PATIENCE:g} s")
        except OSError as error:
            scene.outcomes[f"{kind.__name__}: {type(error).__name__}"] += 1
        finally:
            line.writer.close()
