"""Traefik 3 and Rondpoint apply the same middlewares to the same requests, and an origin sees the same.

Both proxies read one file with the routers of all cases in `tests/system/middleware_cases`.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
import yaml

from tests.lab import http
from tests.lab.certificate import write_certificate
from tests.lab.decoding import CODINGS, decode
from tests.lab.installation import Installation, start
from tests.lab.namespace import connect
from tests.lab.origin import Connection, Origin, Request
from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.traefik import start_traefik
from tests.lab.waiting import until
from tests.system import page_server
from tests.system.authentication_server import ADDRESS, respond
from tests.system.middleware_cases import all_cases
from tests.system.middleware_cases.case import Case, SampleRequest

CASES = all_cases()
READY = "ready"
UNREACHABLE = "http://127.0.0.1:1"

STATUS_IN_PATH = re.compile(r"/respond/([2-5][0-9]{2})")
"""A path that names the status of the origin's response."""

IGNORED_FOR_CLIENTS = {
    "date": "the time of the response",
    "content-length": "the proxies frame bodies differently, and have their own texts for errors",
    "transfer-encoding": "see content-length",
    "connection": "belongs to the connection",
    "x-retry-in": "a time to the nanosecond; Retry-After has its seconds",
}
IGNORED_IN_ERRORS = {
    "content-type": "the proxies have their own texts for errors",
    "x-content-type-options": "belongs to the text of an error",
}
IGNORED_AT_ORIGINS = {
    "x-forwarded-server": "the name of the machine, of which Rondpoint has a shorter form",
    "connection": "belongs to the connection",
    "content-length": "the proxies frame bodies differently",
    "transfer-encoding": "see content-length",
}
IGNORED_AT_PAGES = {
    "x-forwarded-for": "Traefik tells the server of an error page nothing of the client's address",
}
IGNORED_LINES_AT_ORIGINS = {
    (
        "accept-encoding",
        "gzip",
    ): "Traefik adds it for clients without it, and decodes the response",
    ("user-agent", "Go-http-client/1.1"): "Traefik adds it to requests of its own",
}

EXPOSED = "access-control-expose-headers"

NOTHING: Mapping[str, str] = MappingProxyType({})

Lines = tuple[tuple[str, str], ...]


class Outcome(NamedTuple):
    """What the client and the origin get; `received` is empty if the origin was not asked.

    `body` is the response's if the origin was asked, without its content coding.
    """

    status: int
    lines: Lines
    received: tuple[Any, ...]
    body: bytes


class Echo:
    """An origin that responds with the received request as JSON, and with the response headers of a case."""

    def __init__(self, case: Case) -> None:
        self._case = case

    def __call__(self, connection: Connection) -> None:
        while (request := connection.read()) is not None:
            method, target, lines, body = received(request)
            content = {"method": method, "target": target, "headers": lines, "body": body}
            data = json.dumps(content).encode()
            headers = self._case.response_headers
            if self._case.response_body is not None:
                data = self._case.response_body
            elif "content-type" not in {name.lower() for name, _ in headers}:
                headers = [("Content-Type", "application/json"), *headers]
            head = "".join(f"{name}: {value}\r\n" for name, value in headers)
            wanted = STATUS_IN_PATH.match(target)
            status = wanted[1] if wanted else "200"
            has_content = status not in ("204", "304")
            head += f"Content-Length: {len(data)}\r\n" if has_content else ""
            head = f"HTTP/1.1 {status} OK\r\n{head}\r\n"
            connection.send(head.encode("latin-1") + (data if has_content and method != "HEAD" else b""))


class PageServer(Origin):
    """The server of error pages."""


def plain_body(response: http.Response) -> bytes:
    """Return the body without its content coding: the proxies compress differently."""
    coding = response.header("Content-Encoding")
    return decode(coding, response.body) if coding in CODINGS else response.body


def received(request: Request, ignored: Mapping[str, str] = NOTHING) -> tuple[str, str, Lines, str]:
    """Return the parts of a request that must be the same from both proxies, without `ignored` headers."""
    lines = compared_lines(request.headers, IGNORED_AT_ORIGINS, ignored)
    lines = tuple(line for line in lines if line not in IGNORED_LINES_AT_ORIGINS)
    return request.method, request.target, lines, unchunked(request).decode("latin-1")


def unchunked(request: Request) -> bytes:
    """Return the body without its chunked coding."""
    if "chunked" not in (request.header("Transfer-Encoding") or ""):
        return request.body
    coded = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + request.body
    return http.parse(coded).body


def compared_lines(headers: Iterable[tuple[str, str]], *ignored: Mapping[str, str]) -> Lines:
    """Return the headers with lower-case names and sorted by them; lines of one name keep their order."""
    lines = ((name.lower(), value) for name, value in headers)
    lines = ((name, _names(value) if name == EXPOSED else value) for name, value in lines)
    kept = [line for line in lines if not any(line[0] in names for names in ignored)]
    return tuple(sorted(kept, key=lambda line: line[0]))


def _names(value: str) -> str:
    """Return the names in a list in a fixed form: Traefik's grpcWeb lists them in random order."""
    names = {name.strip().lower() for name in value.split(",")}
    return ",".join(sorted(names - IGNORED_FOR_CLIENTS.keys()))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A running proxy and the ports of its entry points."""

    installation: Installation
    ports: dict[str, int]

    def send(self, case: Case, request: SampleRequest) -> http.Response:
        """Send a request over a new connection."""
        headers = [line for line in request.headers if line[0].lower() != "host"]
        hosts = [value for name, value in request.headers if name.lower() == "host"]
        data = http.message(
            hosts[0] if hosts else f"{case.name}.test",
            request.path,
            method=request.method,
            headers=headers,
            body=request.body,
            close=True,
        )
        with ExitStack() as stack:
            connection = stack.enter_context(connect("127.0.0.1", self.ports[request.entry_point]))
            if request.entry_point == "secure":
                connection = stack.enter_context(_unverified().wrap_socket(connection))
            connection.sendall(data)
            return http.read_response(connection, request.method)

    def outcome(self, case: Case, request: SampleRequest, *origins: Origin) -> Outcome:
        """Return the outcome of a request to a case with these origins."""
        before = [len(origin.requests) for origin in origins]
        response = self.send(case, request)
        asked = tuple(
            received(each, IGNORED_AT_PAGES if isinstance(origin, PageServer) else NOTHING)
            for origin, number in zip(origins, before, strict=True)
            for each in origin.requests[number:]
        )
        ignored = [IGNORED_FOR_CLIENTS, *([] if asked else [IGNORED_IN_ERRORS])]
        lines = compared_lines(response.headers, *ignored)
        return Outcome(response.status, lines, asked, plain_body(response) if asked else b"")


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@dataclass(frozen=True, slots=True)
class Scene:
    """Both proxies, and the origin of each case."""

    ours: Candidate
    theirs: Candidate
    origins: dict[str, Origin]
    authentication: Origin
    pages: Origin
    processes: Processes


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with TemporaryDirectory(prefix="rp-") as directory_name, ExitStack() as stack:
        directory = Path(directory_name)
        cases = {**CASES, READY: Case(READY, {}, ())}
        origins = {name: stack.enter_context(Origin(Echo(case))) for name, case in cases.items()}
        routes = directory / "routes.yml"
        authentication = stack.enter_context(Origin(respond))
        pages = stack.enter_context(PageServer(page_server.respond))
        content = yaml.safe_dump(route_file(cases, origins, pages))
        routes.write_text(content.replace(ADDRESS, authentication.url))
        certificate = write_certificate(directory / "c.pem")
        processes = Processes()
        stack.callback(processes.stop)
        flags = (
            f"--providers.file.filename={routes}",
            "--entryPoints.trusting.forwardedHeaders.insecure=true",
        )
        ports = (
            {"trusting": free_port(), "secure": free_port()},
            {"trusting": free_port(), "secure": free_port()},
        )
        addresses = [
            [f"--entryPoints.{name}.address=127.0.0.1:{port}" for name, port in each.items()]
            for each in ports
        ]
        ours = start(
            processes,
            *flags,
            *addresses[0],
            f"--entryPoints.secure.tls.certificates={certificate},{certificate}",
            "--providers.docker=false",
            "--workers=1",
            directory=directory,
        )
        theirs = start_traefik(processes, *flags, *addresses[1], "--entryPoints.secure.http.tls=true")
        ours.wait_for(f"{READY}.test")
        until(lambda: theirs.request(f"{READY}.test").status == 200, "Traefik's routes")
        yield Scene(
            Candidate(ours, {"web": ours.web, **ports[0]}),
            Candidate(theirs, {"web": theirs.web, **ports[1]}),
            origins,
            authentication,
            pages,
            processes,
        )


def route_file(cases: dict[str, Case], origins: dict[str, Origin], pages: Origin) -> dict[str, Any]:
    """Return the content of the route file; the middlewares of a case have its name as a prefix."""
    routers: dict[str, Any] = {}
    services = {page_server.SERVICE: _balancer(pages.url), page_server.DOWN: _balancer(UNREACHABLE)}
    middlewares: dict[str, Any] = {}
    for name, case in cases.items():
        chain = [f"{name}-{each}" for each in case.chain or case.middlewares]
        routers[name] = {"rule": f"Host(`{name}.test`)", "service": name}
        if chain:
            routers[name]["middlewares"] = chain
        services[name] = _balancer(origins[name].url)
        if case.failover is not None:
            services[f"{name}-main"] = services[name]
            failover = {"service": f"{name}-main", "fallback": page_server.SERVICE, "errors": case.failover}
            services[name] = {"failover": failover}
        for own_name, options in case.middlewares.items():
            middlewares[f"{name}-{own_name}"] = options
            if "chain" in options:
                members = [f"{name}-{each}" for each in options["chain"]["middlewares"]]
                middlewares[f"{name}-{own_name}"] = {"chain": {"middlewares": members}}
    return {"http": {"routers": routers, "services": services, "middlewares": middlewares}}


def _balancer(url: str) -> dict[str, Any]:
    return {"loadBalancer": {"servers": [{"url": url}]}}


@pytest.mark.parametrize("name", CASES)
def test_both_apply_middlewares_alike(name: str, scene: Scene) -> None:
    case, origin = CASES[name], scene.origins[name]
    differences: list[str] = []
    for request in case.requests:
        mine, other = (
            proxy.outcome(case, request, origin, scene.authentication, scene.pages)
            for proxy in (scene.ours, scene.theirs)
        )
        if mine != other:
            differences += [f"{request}", *describe_differences(mine, other)]
    if case.departure:
        assert differences, f"Rondpoint no longer departs from Traefik: {case.departure}"
    elif differences:
        pytest.fail("\n".join(differences), pytrace=False)


def describe_differences(mine: Outcome, other: Outcome) -> Iterator[str]:
    """Yield two lines for each part that differs: Rondpoint's and Traefik's."""
    for part, one, two in zip(Outcome._fields, mine, other, strict=True):
        # The body is what the origin received.
        if one != two and not (part == "body" and mine.received != other.received):
            yield f"  {part} of Rondpoint: {one!r}"
            yield f"  {part} of Traefik:   {two!r}"
