"""Chains of middlewares that change or buffer bodies, before services of each composition: whole messages.

A model says what the server and the client must get, and each connection takes several requests at once, so a
body that is framed wrongly shows in the next request.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from urllib.parse import parse_qs, urlsplit

import pytest
from msgspec.structs import replace

from proxy.http1.chunked import ChunkedDecoder
from rondpoint.model import Composition, FailoverErrors, Member, Middleware, Mirror, Mirroring, Service
from tests.lab.origin import Connection, Origin, Request, http_response
from tests.lab.waiting import until
from tests.proxy.running import Proxy, lone_proxy
from tests.proxy.wire.client import Client

MODULE = Path(__file__).parent / "installed_middlewares.py"
MIDDLEWARES: dict[str, tuple[str, dict[str, object]]] = {
    "memory": ("buffering", {}),
    "disk": ("buffering", {"memRequestBodyBytes": 1, "memResponseBodyBytes": 1}),
    "retry": ("retry", {"attempts": 2, "status": ["503"]}),
    "again": ("buffering", {"retryExpression": "Attempts() < 2 && ResponseCode() == 503"}),
    "compress": ("compress", {"minResponseBodyBytes": 1000}),
    "type": ("contentType", {}),
    "lines": ("headers", {"customResponseHeaders": {"X-A": "1"}}),
    "breaker": ("circuitBreaker", {"expression": "LatencyAtQuantileMS(50.0) > 60000"}),
    "slots": ("inFlightReq", {"amount": 100}),
    "pass": ("plugin", {"pass": {}}),
    "peek": ("plugin", {"peek": {}}),
    "upper": ("plugin", {"upper": {}}),
    "whole": ("plugin", {"whole": {}}),
    "page": ("errors", {"status": ["404", "503"], "service": "page", "query": "/page?{status}"}),
    "auth": ("forwardAuth", {"forwardBody": True}),
}
PAGE = b"a page " * 300
SPARE = b"spare"
SIZES = (0, 1, 999, 3000, 70_000)
CHAINS = 24
CONNECTIONS = 4


@dataclass
class Sent:
    """A request of the client, and what its server is to respond."""

    number: int
    method: str
    body: bytes
    chunked: bool
    status: int
    size: int
    framing: str

    @property
    def target(self) -> str:
        return f"/{self.number}?s={self.status}&n={self.size}&f={self.framing}"

    def encode(self, host: str, *, last: bool, gzip: bool) -> bytes:
        lines = [f"{self.method} {self.target} HTTP/1.1", f"Host: {host}"]
        lines += [f"Accept-Encoding: {'gzip' if gzip else 'identity'}"]
        lines += ["Connection: close"] * last
        body = self.body
        if self.chunked:
            lines += ["Transfer-Encoding: chunked"]
            half = len(body) // 2
            pieces = [piece for piece in (body[:half], body[half:]) if piece]
            body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
            body += b"0\r\nX-Sum: 1\r\n\r\n"
        elif body:
            lines += [f"Content-Length: {len(body)}"]
        return "\r\n".join([*lines, "", ""]).encode() + body


def text(size: int) -> bytes:
    return (b"some text of a server, " * (size // 20 + 1))[:size]


def respond_as_asked(connection: Connection) -> None:
    """Respond to each request with the status, length and framing in its target."""
    while (request := connection.read()) is not None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(request.target).query).items()}
        status, framing, content = int(asked["s"]), asked["f"], text(int(asked["n"]))
        head = f"HTTP/1.1 {status} X\r\nContent-Type: text/plain\r\n"
        if status in (204, 304):
            head, content = f"HTTP/1.1 {status} X\r\n", b""
        elif framing == "length":
            head += f"Content-Length: {len(content)}\r\n"
        elif framing == "chunked":
            head += "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n"
            chunk = b"%x\r\n%b\r\n" % (len(content), content) if content else b""
            content = chunk + b"0\r\nX-Sum: 1\r\n\r\n"
        else:
            head += "Connection: close\r\n"
        connection.send(head.encode() + b"\r\n" + (b"" if request.method == "HEAD" else content))
        if framing == "close" and status not in (204, 304):
            return


@dataclass(frozen=True)
class Served:
    """A `host` whose router has the middlewares `outer`, before a service in this composition.

    The middlewares `inner` are before the main member of that service.
    """

    host: str
    outer: tuple[str, ...]
    inner: tuple[str, ...]
    composition: Composition

    @property
    def gzip(self) -> bool:
        """Whether clients may accept an encoding: a middleware outside of the encoder would spoil it."""
        chain = self.outer + self.inner
        return "compress" not in chain or not {"upper", "whole"} & set(chain[: chain.index("compress")])

    def expect(self, sent: Sent) -> tuple[int, bytes]:
        """Return the status and content that the client must get."""
        if self.composition == "failover" and sent.status in (404, 503):
            status, content = 200, at_client(self.outer, 200, SPARE)
        else:
            status, content = sent.status, at_client(self.outer + self.inner, sent.status, text(sent.size))
        return status, b"" if sent.method == "HEAD" or status in (204, 304) else content


class Site:
    """The proxy and the servers: `main`, the `spare` of failovers and mirrors, and two of middlewares."""

    def __init__(self, proxy: Proxy, main: Origin, spare: Origin, page: Origin, auth: Origin) -> None:
        self.proxy, self.main, self.spare = proxy, main, spare
        self._page, self._auth = page, auth

    def serve(self, outer: tuple[str, ...], inner: tuple[str, ...], composition: Composition) -> Served:
        """Serve the main server behind these middlewares."""
        proxy = self.proxy
        for name in outer + inner:
            kind, options = MIDDLEWARES[name]
            if kind == "forwardAuth":
                options = options | {"address": self._auth.url}
            proxy.middlewares[name] = Middleware(name, kind, options)
        page, main, spare, name = (
            proxy.route(*origins).removesuffix(".test")
            for origins in ((self._page,), (self.main,), (self.spare,), ())
        )
        proxy.services["page"] = replace(proxy.services[page], name="page")
        proxy.services[main] = replace(proxy.services[main], middlewares=inner)
        proxy.routers[name] = replace(proxy.routers[name], middlewares=outer)
        members = (Member(main), Member(spare))
        proxy.services[name] = Service(
            name,
            composition=composition,
            members=members if composition == "failover" else members[:1],
            failover_errors=FailoverErrors(("404", "503")) if composition == "failover" else None,
            mirroring=Mirroring((Mirror(spare, 100),)) if composition == "mirroring" else None,
        )
        proxy.publish()
        return Served(f"{name}.test", outer, inner, composition)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with (
        lone_proxy(f"--middlewares.modules={MODULE}") as proxy,
        Origin(respond_as_asked) as main,
        Origin(http_response(SPARE)) as spare,
        Origin(http_response(PAGE)) as page,
        Origin(http_response(b"")) as auth,
    ):
        yield Site(proxy, main, spare, page, auth)


def at_server(chain: tuple[str, ...], body: bytes) -> bytes:
    """Return the request's body after these middlewares."""
    for name in chain:
        body = body.upper() if name == "upper" else body[::-1] if name == "whole" else body
    return body


def at_client(chain: tuple[str, ...], status: int, body: bytes) -> bytes:
    """Return the response's body after these middlewares; the last one is next to the server."""
    for name in reversed(chain):
        if name == "page" and status in (404, 503):
            body = PAGE
        body = body.upper() if name == "upper" else body[::-1] if name == "whole" else body
    return body


def content_of(request: Request) -> bytes:
    if request.header("Transfer-Encoding") is None:
        return request.body
    return ChunkedDecoder().feed(request.body)


def draw_requests(random: Random) -> list[Sent]:
    requests = []
    for number in range(random.randint(1, 4)):
        method = random.choice(["GET", "HEAD", "POST", "PUT"])
        size = random.choice(SIZES) if method in ("POST", "PUT") else 0
        requests.append(
            Sent(
                number,
                method,
                (b"request %d of a client, " % number * (size // 20 + 1))[:size],
                chunked=bool(size) and random.random() < 0.4,
                status=random.choice([200, 200, 200, 204, 304, 404, 503]),
                size=random.choice(SIZES),
                framing=random.choice(["length", "chunked", "close"]),
            )
        )
    return requests


def exchange(site: Site, served: Served, requests: list[Sent], step: int) -> None:
    """Send all requests before any response is read, `step` bytes at a time, and check each message."""
    data = b"".join(
        sent.encode(served.host, last=sent is requests[-1], gzip=served.gzip) for sent in requests
    )
    with Client(site.proxy.web) as client:
        for start in range(0, len(data), step):
            client.send(data[start : start + step])
        for sent in requests:
            answer = client.answer(sent.method)
            content = answer.body
            if answer.header("Content-Encoding") == "gzip":
                content = zlib.decompress(content, 31)
            assert (answer.status, content) == served.expect(sent)
        assert client.ended()


def check_received(origin: Origin, since: int, requests: list[Sent], chain: tuple[str, ...]) -> None:
    """Check the requests that this server got; a retried request comes several times."""
    found = [(request.target, content_of(request)) for request in origin.requests[since:]]
    expected = {sent.target: at_server(chain, sent.body) for sent in requests}
    assert sorted(set(found)) == sorted(expected.items())


@pytest.mark.parametrize("seed", range(CHAINS))
def test_messages_stay_whole_in_every_combination(site: Site, seed: int) -> None:
    random = Random(seed)
    chain = tuple(random.sample(sorted(MIDDLEWARES), random.randint(1, 4)))
    composition: Composition = random.choice(["weighted", "failover", "mirroring"])
    split = random.randint(0, len(chain))
    served = site.serve(chain[:split], chain[split:], composition)
    for _ in range(CONNECTIONS):
        requests = draw_requests(random)
        seen, copied = len(site.main.requests), len(site.spare.requests)
        exchange(site, served, requests, random.choice([500, 20_000, 1 << 20]))
        check_received(site.main, seen, requests, chain)
        if composition == "mirroring":
            due = copied + len(requests)
            until(lambda due=due: len(site.spare.requests) >= due, "the copies")
            check_received(site.spare, copied, requests, chain[:split])
    site.proxy.withdraw()
    assert "Traceback" not in site.proxy.process.log, site.proxy.process.log
