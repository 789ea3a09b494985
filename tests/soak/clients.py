"""Clients of several kinds; each checks that its responses are right or visibly failed."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.soak.bodies import body, digest
from tests.soak.origin import COMPLETE_RESPONSES, FAULTS, Reader, Writer, read_body, reset

TIMEOUT = 15.0
"""The time limit in seconds of a client; the proxy's own timeouts are far below."""

GATEWAY_ERRORS = frozenset((502, 503, 504))


class WrongError(Exception):
    """A wrong response that looks valid, or an unnecessary failure."""


@dataclass
class Scene:
    """The proxy's port, its hosts, and the results so far."""

    port: int
    healthy_host: str
    half_dead_host: str
    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


@dataclass
class Response:
    """A response; `content` is None if the connection ended before the complete response."""

    status: int = 0
    content: bytes | None = None


class ClientConnection:
    """A connection to the proxy."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        try:
            self.writer.write(data)
            await self.writer.drain()
        except OSError:
            # The response may still have arrived.
            pass

    async def read_response(self) -> Response:
        response = Response()
        try:
            head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
            response.status = int(head[9:12])
            content = await read_body(head, self.reader)
            response.content = await self.reader.read() if content is None else content
        except (OSError, asyncio.IncompleteReadError, ValueError):
            pass
        return response


def head(host: str, kind: str, seed: int, size: int, method: str = "GET", more: str = "") -> bytes:
    return f"{method} /{kind}/{seed}/{size} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode()


def random_body() -> tuple[int, int]:
    """Return a random seed and size of a body."""
    return random.randrange(1, 30), random.choice((0, 1, 65, 1000, 10_000, 70_000, 400_000))


def check(scene: Scene, name: str, response: Response, expected: bytes, *, required: bool = False) -> None:
    """Count the outcome. Raises WrongError unless the response is right or a visible failure."""
    if response.status == 200 and response.content == expected:
        scene.outcomes[f"{name}: right"] += 1
    elif response.content is None or response.status in GATEWAY_ERRORS:
        if required:
            raise WrongError(f"{name}: {response.status} without need")
        scene.outcomes[
            f"{name}: {response.status or 'no'} response{'' if response.content is not None else ', cut'}"
        ] += 1
    else:
        raise WrongError(
            f"{name}: {response.status} with {len(response.content)} bytes instead of {len(expected)}"
        )


async def gets(scene: Scene, connection: ClientConnection) -> None:
    """Send GETs one after the other, some to a service with a dead server."""
    for _ in range(random.randrange(1, 10)):
        seed, size = random_body()
        host, kind = (
            random.choice((scene.healthy_host, scene.half_dead_host)),
            random.choice(("ok", "ok", "close")),
        )
        await connection.send(head(host, kind, seed, size))
        check(scene, "get", await connection.read_response(), body(seed, size), required=True)


async def pipelined(scene: Scene, connection: ClientConnection) -> None:
    """Send several requests in one write; the responses must be in order."""
    bodies = [random_body() for _ in range(4)]
    await connection.send(b"".join(head(scene.healthy_host, "ok", seed, size) for seed, size in bodies))
    for seed, size in bodies:
        check(scene, "pipelined", await connection.read_response(), body(seed, size), required=True)


async def uploads(scene: Scene, connection: ClientConnection) -> None:
    """POST a body of up to 3 MB, with a length or in chunks, in pieces of several sizes."""
    seed, size = random.randrange(1, 30), random.choice((1, 1000, 100_000, 3_000_000))
    content = body(seed, size)
    chunked = random.random() < 0.5
    framing = "Transfer-Encoding: chunked\r\n" if chunked else f"Content-Length: {size}\r\n"
    await connection.send(head(scene.healthy_host, "ok", seed, 0, "POST", framing))
    step = random.choice((1 << 10, 1 << 14, 1 << 18)) if size < 1_000_000 else 1 << 17
    for start in range(0, size, step):
        piece = content[start : start + step]
        await connection.send(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
    if chunked:
        await connection.send(b"0\r\n\r\n")
    # If the idle connection to the server ends at this moment, a POST gets a 502.
    check(scene, "upload", await connection.read_response(), digest(content))


async def faults(scene: Scene, connection: ClientConnection) -> None:
    """Request a failing server: the client must be able to see every failure."""
    kind = random.choice(list(FAULTS))
    seed, size = random.randrange(1, 30), random.choice((10, 1000, 400_000))
    await connection.send(head(scene.healthy_host, kind, seed, size))
    response = await connection.read_response()
    if kind not in COMPLETE_RESPONSES and response.status == 200 and response.content is not None:
        raise WrongError(f"{kind}: looked like a complete response of {len(response.content)} bytes")
    check(scene, kind, response, body(seed, size))


async def refused_uploads(scene: Scene, connection: ClientConnection) -> None:
    """Upload to a server that responds or resets before it has read the body."""
    kind = random.choice(("early", "reset-upload"))
    content = body(1, 1_000_000)
    await connection.send(
        head(scene.healthy_host, kind, 1, 0, "POST", f"Content-Length: {len(content)}\r\n") + content
    )
    response = await connection.read_response()
    if response.status not in GATEWAY_ERRORS | {0, 413}:
        raise WrongError(f"{kind}: {response.status}")
    scene.outcomes[f"{kind}: {response.status or 'no'} response"] += 1


async def tunnels(scene: Scene, connection: ClientConnection) -> None:
    """Upgrade the connection, and check echoes."""
    await connection.send(
        head(scene.healthy_host, "echo", 1, 0, more="Connection: Upgrade\r\nUpgrade: echo\r\n")
    )
    try:
        if not (await connection.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 "):
            raise WrongError("tunnel: no 101")
        for _ in range(random.randrange(1, 20)):
            message = body(random.randrange(1, 30), random.choice((1, 100, 50_000)))
            await connection.send(message)
            if await connection.reader.readexactly(len(message)) != message:
                raise WrongError("tunnel: the echo differs")
    except asyncio.IncompleteReadError as error:
        raise WrongError("tunnel: cut") from error
    scene.outcomes["tunnel: right"] += 1


async def slow(scene: Scene, connection: ClientConnection) -> None:
    """Send a head in small pieces, and read the response after a pause."""
    request = head(scene.healthy_host, "ok", 5, 400_000)
    for start in range(0, len(request), 20):
        await connection.send(request[start : start + 20])
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)
    check(scene, "slow reader", await connection.read_response(), body(5, 400_000), required=True)


async def leaving(scene: Scene, connection: ClientConnection) -> None:
    """Leave at a random moment, with a close or a reset."""
    data = random.choice(
        (
            head(scene.healthy_host, random.choice(("ok", "slow", "hang")), 4, 400_000),
            head(scene.healthy_host, "ok", 4, 0, "POST", "Content-Length: 100000\r\n") + body(4, 50_000),
            b"GET /ok/1/1 HTTP/1.1\r\nHos",
        )
    )
    await connection.send(data)
    await asyncio.sleep(random.random() / 10)
    if random.random() < 0.5:
        reset(connection.writer)
    scene.outcomes["left"] += 1


async def malformed(scene: Scene, connection: ClientConnection) -> None:
    """Send an invalid request, or one that attempts request smuggling."""
    bad = random.choice(
        (
            random.randbytes(40) + b"\r\n\r\n",
            b"POST /ok/1/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"POST /ok/1/1 HTTP/1.1\r\nHost: %b\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n"
            % scene.healthy_host.encode(),
            b"GET /ok/1/1 HTTP/1.1\r\n\r\n",
        )
    )
    await connection.send(bad)
    response = await connection.read_response()
    if response.status not in {400, 414, 431, 505, 0}:
        raise WrongError(f"malformed: {response.status} to {bad!r}")
    scene.outcomes[f"malformed: {response.status or 'no'} response"] += 1


KINDS: list[tuple[Callable[[Scene, ClientConnection], Awaitable[None]], int]] = [
    (gets, 8), (pipelined, 3), (uploads, 3), (faults, 6), (refused_uploads, 1),
    (tunnels, 2), (slow, 1), (leaving, 3), (malformed, 2),
]  # fmt: skip


async def client(scene: Scene, end: float) -> None:
    """Run one client after the other, each of a random kind, until the loop's clock reaches `end`."""
    clock = asyncio.get_running_loop().time
    kinds, weights = zip(*KINDS, strict=True)
    while clock() < end:
        kind = random.choices(kinds, weights)[0]
        connection = ClientConnection(*await asyncio.open_connection("127.0.0.1", scene.port, limit=1 << 20))
        try:
            await asyncio.wait_for(kind(scene, connection), TIMEOUT)
        except WrongError as error:
            scene.wrong.append(str(error))
        except TimeoutError:
            scene.wrong.append(f"{kind.__name__}: no end within {TIMEOUT:g} s")
        except OSError as os_error:
            scene.outcomes[f"{kind.__name__}: {type(os_error).__name__}"] += 1
        finally:
            connection.writer.close()
