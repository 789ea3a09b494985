"""Traefik 3 and Rondpoint serve requests over HTTP/2 alike: the client's status, the server's request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
import yaml

from tests.lab.http2 import frames, hpack
from tests.lab.http2.client import Client
from tests.lab.installation import start
from tests.lab.origin import Origin
from tests.lab.processes import Processes
from tests.lab.traefik import start_traefik

HOST = "app.test"
Fields = list[tuple[str, str]]


class Sample(NamedTuple):
    """A request: `fields` replace or add to those of a GET, None removes one; a body may have trailers."""

    fields: dict[str, str | None] = {}  # noqa: RUF012  a NamedTuple's default, which nothing changes
    more: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    trailers: tuple[tuple[str, str], ...] = ()

    def head(self) -> Fields:
        found: dict[str, str | None] = {
            ":method": "POST" if self.body else "GET",
            ":scheme": "http",
            ":authority": HOST,
            ":path": "/x?y=1",
        }
        found |= self.fields
        return [(name, value) for name, value in found.items() if value is not None] + list(self.more)


class Outcome(NamedTuple):
    """What the client gets, and what the server gets: a request line, fields and content.

    The status is 0 for a request that the proxy refuses, whether by 400 or by a reset.
    """

    status: int
    received: list[tuple[str, list[tuple[str, str]], bytes]]


# What reaches the server of content that does not match its length depends on time.
SAMPLES = {
    "a GET": Sample(),
    "HEAD": Sample({":method": "HEAD"}),
    "an asterisk": Sample({":method": "OPTIONS", ":path": "*"}),
    "DELETE without content": Sample({":method": "DELETE"}),
    "a method of one's own": Sample({":method": "FIND"}),
    "POST with a length": Sample({"content-length": "4"}, body=b"body"),
    "POST without a length": Sample(body=b"body"),
    "POST of no content": Sample({":method": "POST", "content-length": "0"}),
    "POST that ends with its head": Sample({":method": "POST"}),
    "GET with content": Sample({":method": "GET", "content-length": "4"}, body=b"body"),
    "trailers": Sample({"trailer": "x-sum"}, body=b"body", trailers=(("x-sum", "1"),)),
    "100-continue": Sample({"expect": "100-continue", "content-length": "4"}, body=b"body"),
    "cookie crumbs": Sample(more=(("cookie", "a=1"), ("cookie", "b=2"))),
    "repeated fields": Sample(more=(("x-a", "1"), ("x-b", "2"), ("x-a", "3"))),
    "an empty value": Sample({"x-empty": ""}),
    "te: trailers": Sample({"te": "trailers"}),
    "te: gzip": Sample({"te": "gzip"}),
    "host beside authority": Sample({"host": HOST}),
    "host alone": Sample({":authority": None, "host": HOST}),
    "another host": Sample({"host": "other.test"}),
    "neither": Sample({":authority": None}),
    "an unknown host": Sample({":authority": "nobody.test"}),
    "a port": Sample({":authority": f"{HOST}:8080"}),
    "a host in capitals": Sample({":authority": HOST.upper()}),
    "user information": Sample({":authority": f"me@{HOST}"}),
    "the scheme https": Sample({":scheme": "https"}),
    "an unknown scheme": Sample({":scheme": "ftp"}),
    "a forwarded client": Sample({"x-forwarded-for": "192.0.2.1", "x-real-ip": "192.0.2.1"}),
    "a user agent": Sample({"user-agent": "tests", "accept-encoding": "br", "priority": "u=1"}),
    "dots in the path": Sample({":path": "/a/../b"}),
    "encoded dots in the path": Sample({":path": "/a/%2e%2e/b"}),
    "two slashes": Sample({":path": "//a//b"}),
    "a path of UTF-8": Sample({":path": "/%C3%BC?%C3%BC=1"}),
    "a path without a slash": Sample({":path": "x"}),
    "an empty path": Sample({":path": ""}),
    "a space in the path": Sample({":path": "/a b"}),
    "a fragment": Sample({":path": "/a#b"}),
    "no method": Sample({":method": None}),
    "no scheme": Sample({":scheme": None}),
    "no path": Sample({":path": None}),
    "an unknown pseudo-header": Sample({":other": "1"}),
    "a pseudo-header twice": Sample(more=((":path", "/other"),)),
    "a pseudo-header after a field": Sample({":path": None}, more=(("x-a", "1"), (":path", "/x"))),
    "transfer-encoding": Sample({"transfer-encoding": "chunked"}, body=b"0\r\n\r\n"),
    "connection": Sample({"connection": "close"}),
    "keep-alive": Sample({"keep-alive": "1"}),
    "upgrade": Sample({"upgrade": "websocket"}),
    "a name in capitals": Sample({"X-Name": "1"}),
    "a name with a space": Sample({"x name": "1"}),
    "a line end in a value": Sample({"x-a": "1\r\nx-b: 2"}),
    "two lengths": Sample({"content-length": "4"}, more=(("content-length", "5"),), body=b"body"),
}

DIFFERENCES = {
    "an asterisk": "Traefik responds itself, with 200",
    "trailers": "Traefik drops them",
    "100-continue": "Traefik responds with 100 itself, Rondpoint passes the server's",
    "te: trailers": "it is for the next hop alone; a call of gRPC has it again",
    "another host": "a host that is not the authority is refused",
    "neither": "Traefik responds with 404",
    "a space in the path": "Traefik escapes it",
    "two lengths": "Traefik uses the first one",
}
"""The samples that are served differently on purpose, and why."""


def block(fields: Iterable[tuple[str, str]]) -> bytes:
    return hpack.block((name.encode("latin-1"), value.encode("latin-1")) for name, value in fields)


class Candidate(NamedTuple):
    """A running proxy, and the origin of its router."""

    port: int
    origin: Origin

    def outcome(self, sample: Sample) -> Outcome:
        before = len(self.origin.requests)
        with Client(self.port) as client:
            client.start()
            client.send(frames.headers(1, block(sample.head()), ended=not sample.body))
            if sample.body:
                client.send_content(1, sample.body, ended=not sample.trailers)
            if sample.trailers:
                client.send(frames.headers(1, block(sample.trailers)))
            client.wait(lambda: client.stream(1).over)
            stream = client.stream(1)
        status = stream.status if stream.ended and stream.status != 400 else 0
        return Outcome(status, [self._described(request) for request in self.origin.requests[before:]])

    def _described(self, request: Any) -> tuple[str, list[tuple[str, str]], bytes]:
        line = request.head.partition(b"\r\n")[0].decode("latin-1")
        fields = [(name.lower(), value) for name, value in request.headers]
        # Go's client asks for gzip by itself, and decompresses.
        return line, sorted(field for field in fields if field != ("accept-encoding", "gzip")), request.body


@pytest.fixture(scope="module")
def candidates() -> Iterator[tuple[Candidate, Candidate]]:
    with TemporaryDirectory(prefix="rp-") as name, ExitStack() as stack:
        directory = Path(name)
        processes = Processes()
        stack.callback(processes.stop)
        found: list[Candidate] = []
        for proxy in ("rondpoint", "traefik"):
            origin = stack.enter_context(Origin.named("a"))
            routes = directory / f"{proxy}.yml"
            routers = {"app": {"rule": f"Host(`{HOST}`)", "service": "app"}}
            services = {"app": {"loadBalancer": {"servers": [{"url": origin.url}]}}}
            routes.write_text(yaml.safe_dump({"http": {"routers": routers, "services": services}}))
            flag = f"--providers.file.filename={routes}"
            if proxy == "traefik":
                running = start_traefik(processes, flag)
            else:
                running = start(
                    processes, flag, "--providers.docker=false", "--workers=1", directory=directory
                )
            running.wait_for(HOST)
            found.append(Candidate(running.web, origin))
        yield found[0], found[1]


@pytest.mark.parametrize("name", SAMPLES)
def test_both_serve_a_request_over_http2_alike(name: str, candidates: tuple[Candidate, Candidate]) -> None:
    ours, theirs = (candidate.outcome(SAMPLES[name]) for candidate in candidates)
    assert (ours != theirs) == (name in DIFFERENCES), (ours, theirs)


def test_differences_have_a_sample() -> None:
    assert DIFFERENCES.keys() <= SAMPLES.keys()
