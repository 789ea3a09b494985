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
from rondpoint.model import FailoverErrors, Member, Middleware, Mirror, Mirroring, Service
from tests.lab.origin import Connection, Origin, Request, http_response
from tests.lab.waiting import until
from tests.proxy.running import Proxy, lone_proxy
from tests.proxy.wire.client import Client

MODULE = Path(__file__).parent / "installed_middlewares.py"
MIDDLEWARES = {
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
        lines += ["Accept-Encoding: gzip" if gzip else "Accept-Encoding: identity"]
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


class Site:
    """The servers, and a router whose service is in a composition of this kind."""

    def __init__(self, proxy: Proxy, main: Origin, spare: Origin, others: tuple[Origin, Origin]) -> None:
        self.proxy, self.main, self.spare = proxy, main, spare
        self.page, self.auth = others

    def serve(self, chain: tuple[str, ...], before: int, composition: str) -> str:
        """Return a host; the first `before` middlewares are the router's, and others those of the service."""
        proxy = self.proxy
        for name in chain:
            kind, options = MIDDLEWARES[name]
            if kind == "forwardAuth":
                options = options | {"address": self.auth.url}
            proxy.middlewares[name] = Middleware(name, kind, options)
        page = proxy.route(self.page).removesuffix(".test")
        proxy.services["page"] = replace(proxy.services[page], name="page")
        names = [proxy.route(each).removesuffix(".test") for each in (self.main, self.spare)]
        proxy.services[names[0]] = replace(proxy.services[names[0]], middlewares=chain[before:])
        host = proxy.route(middlewares=chain[:before])
        name = host.removesuffix(".test")
        members = (Member(names[0]),)
        if composition == "failover":
            service = Service(
                name,
                composition="failover",
                members=(*members, Member(names[1])),
                failover_errors=FailoverErrors(("404", "503")),
            )
        elif composition == "mirroring":
            mirroring = Mirroring((Mirror(names[1], 100),))
            service = Service(name, composition="mirroring", members=members, mirroring=mirroring)
        else:
            service = Service(name, composition="weighted", members=members)
        proxy.services[name] = service
        proxy.publish()
        return host


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with (
        lone_proxy(f"--middlewares.modules={MODULE}") as proxy,
        Origin(respond_as_asked) as main,
        Origin(http_response(SPARE)) as spare,
        Origin(http_response(PAGE)) as page,
        Origin(http_response(b"")) as auth,
    ):
        yield Site(proxy, main, spare, (page, auth))


def at_server(chain: tuple[str, ...], body: bytes) -> bytes:
    """Return the request's body after these middlewares."""
    for name in chain:
        body = body.upper() if name == "upper" else body[::-1] if name == "whole" else body
    return body


def at_client(chain: tuple[str, ...], status: int, body: bytes) -> bytes:
    """Return the response's body after these middlewares; the last is the server's next."""
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
                b"%d of a client. " % number * (size // 10) + b"x" * (size % 10),
                chunked=bool(size) and random.random() < 0.4,
                status=random.choice([200, 200, 200, 204, 304, 404, 503]),
                size=random.choice(SIZES),
                framing=random.choice(["length", "chunked", "close"]),
            )
        )
    return requests


@pytest.mark.parametrize("seed", range(CHAINS))
def test_messages_stay_whole_in_every_combination(site: Site, seed: int) -> None:
    random = Random(seed)
    chain = tuple(random.sample(sorted(MIDDLEWARES), random.randint(1, 4)))
    composition = random.choice(["weighted", "failover", "mirroring"])
    before = random.randint(0, len(chain))
    host = site.serve(chain, before, composition)
    # What changes the content outside of the encoder would spoil the coding.
    position = chain.index("compress") if "compress" in chain else 0
    gzip = not {"upper", "whole"} & set(chain[:position])
    try:
        for _ in range(CONNECTIONS):
            requests = draw_requests(random)
            label = f"{chain[:before]} {composition} {chain[before:]} {requests}"
            exchange(site, host, chain, before, composition, requests, gzip, random, label)
    finally:
        site.proxy.withdraw()
    assert "Traceback" not in site.proxy.process.log, site.proxy.process.log


def exchange(
    site: Site,
    host: str,
    chain: tuple[str, ...],
    before: int,
    composition: str,
    requests: list[Sent],
    gzip: bool,
    random: Random,
    label: str,
) -> None:
    seen, spared = len(site.main.requests), len(site.spare.requests)
    data = b"".join(sent.encode(host, last=sent is requests[-1], gzip=gzip) for sent in requests)
    answered = 0
    with Client(site.proxy.web, timeout=8) as client:
        start = 0
        while start < len(data):
            end = start + random.choice([7, 500, 20_000, 1 << 20])
            client.send(data[start:end])
            start = end
        for sent in requests:
            answer = client.answer(sent.method)
            answered += 1
            status, body = sent.status, text(sent.size)
            if composition == "failover" and status in (404, 503):
                # The fallback is behind the router's middlewares only.
                status, expected = 200, at_client(chain[:before], 200, SPARE)
            else:
                expected = at_client(chain, status, b"" if status in (204, 304) else body)
            if sent.method == "HEAD" or status in (204, 304):
                expected = b""
            found = answer.body
            if answer.header("Content-Encoding") == "gzip":
                found = zlib.decompress(found, 31)
            assert (answer.status, found) == (status, expected), label
            if answer.header("Connection") == "close":
                assert client.ended(), label
                break
    assert answered == len(requests), label
    targets: list[str] = []
    for request in site.main.requests[seen:]:
        sent = requests[int(request.target[1 : request.target.index("?")])]
        assert content_of(request) == at_server(chain, sent.body), label
        if request.target not in targets:
            targets.append(request.target)
    assert targets == [sent.target for sent in requests], label
    if composition == "mirroring":
        until(lambda: len(site.spare.requests) == spared + len(requests), "the copies")
        copies = {request.target: content_of(request) for request in site.spare.requests[spared:]}
        assert copies == {sent.target: at_server(chain[:before], sent.body) for sent in requests}, label
