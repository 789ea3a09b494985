"""Traefik 3 and Rondpoint copy the same requests to mirrors; each has servers of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from proxy.balancing.mirror_schedule import gets_copy
from tests.lab import http
from tests.lab.installation import Installation, start
from tests.lab.origin import Origin, Request, http_response
from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.traefik import start_traefik
from tests.lab.waiting import until

MARK = "X-Requests"
"""A header; its value tells which requests of a test belong together."""

SHARES = (1, 7, 10, 25, 33, 50, 70, 99, 100)


def mirroring(service: str, *mirrors: tuple[str, int], **options: Any) -> dict[str, Any]:
    mirrored = [{"name": name, "percent": percent} for name, percent in mirrors]
    return {"mirroring": {"service": service, "mirrors": mirrored, **options}}


def servers(url: str, **options: Any) -> dict[str, Any]:
    return {"loadBalancer": {"servers": [{"url": url}]}, **options}


COMPOSITE = {
    **{f"share{percent}": mirroring("main", ("copy", percent)) for percent in SHARES},
    "all": mirroring("main", ("copy", 100)),
    "limited": mirroring("main", ("copy", 100), maxBodySize=5),
    "bare": mirroring("main", ("copy", 100), mirrorBody=False),
    "several": mirroring("main", ("copy", 50), ("other", 100)),
    "nested": mirroring("all", ("group", 100)),
    "outer": {"weighted": {"services": [{"name": "all"}]}},
    "failing": mirroring("nobody", ("copy", 100)),
    "lost": mirroring("main", ("nobody", 100), ("copy", 100)),
    "missing": mirroring("main", ("gone", 100), ("copy", 100)),
    "none": mirroring("main", ("copy", 0)),
}
"""Services by name; a router for the host NAME.test leads to each."""


def routes(main: Origin, copy: Origin, other: Origin) -> str:
    """Return a route file."""
    plain = {
        "main": servers(main.url),
        "copy": servers(copy.url),
        "other": servers(other.url, middlewares=["add"]),
        "nobody": servers(f"http://127.0.0.1:{free_port()}"),
        "group": {"weighted": {"services": [{"name": "copy"}]}},
    }
    routers = {name: {"rule": f"Host(`{name}.test`)", "service": name} for name in COMPOSITE}
    middlewares = {
        "strip": {"stripPrefix": {"prefixes": ["/api"]}},
        "add": {"addPrefix": {"prefix": "/added"}},
    }
    stripped = {"all": routers["all"] | {"middlewares": ["strip"]}}
    return json.dumps(
        {"http": {"routers": routers | stripped, "services": plain | COMPOSITE, "middlewares": middlewares}}
    )


class Side:
    """A proxy with its servers.

    Copies may come late and overtake each other, so a header marks the requests that belong together.
    """

    def __init__(self, proxy: Installation, main: Origin, copy: Origin, other: Origin) -> None:
        self.proxy = proxy
        self.main = main
        self.copy = copy
        self.other = other
        self._numbers = count(1)
        self.begin()

    def begin(self) -> None:
        """Give the requests from now on a mark of their own."""
        self.mark = f"requests {next(self._numbers)}"

    def request(
        self, host: str, path: str, headers: tuple[tuple[str, str], ...] = (), **options: Any
    ) -> http.Response:
        """Send a request with the mark; options as in `tests.lab.http.request`."""
        return self.proxy.request(host, path, headers=(*headers, (MARK, self.mark)), **options)

    def seen(self, origin: Origin) -> list[Request]:
        """Return the requests with the mark that this origin has received so far."""
        return [request for request in list(origin.requests) if request.header(MARK) == self.mark]

    def copies(self, at_least: int = 0, origin: Origin | None = None) -> list[Request]:
        """Return the copies with the mark, once there are so many and that of one more request has come."""
        origin = origin or self.copy
        until(lambda: len(self.seen(origin)) >= at_least, f"{at_least} copies")
        self._follow_up(origin)
        return self.seen(origin)

    def _follow_up(self, origin: Origin) -> None:
        """Send a request with another mark, and wait for its copy."""
        mark = f"after {self.mark}, {next(self._numbers)}"
        host = "several.test" if origin is self.other else "all.test"
        self.proxy.request(host, "/after", headers=((MARK, mark),))
        until(lambda: mark in {each.header(MARK) for each in list(origin.requests)}, "the last copy")

    def wait_for_share(self, copied: int, requests: int, host: str) -> list[int]:
        """Number requests from 1 until so many of a series are copied; return the numbers of these.

        On a busy machine a ticket of ours may be late, or held too long. That shifts the copies of a series.
        """

        def send_series() -> list[int]:
            self.begin()
            for number in range(1, requests + 1):
                self.request(host, f"/{number}")
            numbers = sorted(int(request.target[1:]) for request in self.copies())
            return numbers if len(numbers) == copied else []

        return until(send_series, f"{copied} of {requests} requests copied")


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Side, Side]]:
    """Rondpoint with one worker, and Traefik."""
    processes = Processes()
    with TemporaryDirectory(prefix="rp-") as directory_name, ExitStack() as stack:
        made: list[Side] = []
        for number in range(2):
            origins = [
                stack.enter_context(Origin(http_response(name))) for name in (b"main", b"copy", b"other")
            ]
            directory = Path(directory_name) / str(number)
            directory.mkdir()
            path = directory / "routes.yml"
            path.write_text(routes(*origins))
            provider = f"--providers.file.filename={path}"
            if number:
                proxy = start_traefik(processes, provider)
            else:
                proxy = start(
                    processes, provider, "--providers.docker=false", "--workers=1", directory=directory
                )
            side = Side(proxy, *origins)
            proxy.wait_for("none.test")
            made.append(side)
        try:
            yield made[0], made[1]
        finally:
            processes.stop()


@pytest.fixture
def sides(running: tuple[Side, Side]) -> tuple[Side, Side]:
    """The two proxies; the requests of each test have marks of their own."""
    for side in running:
        side.begin()
    return running


@pytest.mark.parametrize("percent", SHARES)
def test_the_same_requests_are_copied(sides: tuple[Side, Side], percent: int) -> None:
    ours, theirs = (side.wait_for_share(percent, 100, f"share{percent}.test") for side in sides)
    assert theirs == [number for number in range(1, 101) if gets_copy(number, percent)]
    assert len(ours) == percent


def test_copies_are_alike(sides: tuple[Side, Side]) -> None:
    seen = []
    for side in sides:
        headers = (("X-A", "b"), ("Cookie", "c=d"), ("X-Forwarded-For", "192.0.2.7"))
        side.request("all.test", "/api/x?y", headers, method="PUT", body=b"hello")
        (request,) = side.copies(1)
        until(partial(are_complete, [request]), "the content of the copy")
        (original,) = side.seen(side.main)
        assert {*request.headers} == {*original.headers}
        names = {name.lower() for name, _ in request.headers} - {"user-agent", "accept-encoding"}
        seen.append((request.method, request.target, request.body, names))
    assert seen[0][:3] == seen[1][:3]
    assert seen[0][3] - seen[1][3] <= {"connection"}


BODIES = {
    "none": b"\r\n",
    "up to the limit": b"Content-Length: 5\r\n\r\nhello",
    "beyond the limit": b"Content-Length: 6\r\n\r\nhello!",
    "chunked": b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "chunked beyond the limit": b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n4\r\nllo!\r\n0\r\n\r\n",
}


def content(request: Request) -> bytes:
    """Return the content of a request, without chunks."""
    if request.header("Transfer-Encoding") is None:
        return request.body
    return b"".join(request.body.split(b"\r\n")[1::2])


def are_complete(requests: list[Request]) -> bool:
    return all(request.complete for request in requests)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("host", ["all.test", "limited.test"])
def test_bodies_are_copied_up_to_the_limit(sides: tuple[Side, Side], host: str, body: str) -> None:
    seen = []
    copied = 0 if host == "limited.test" and "beyond" in body else 1
    for side in sides:
        head = f"POST /body HTTP/1.1\r\nHost: {host}\r\n{MARK}: {side.mark}\r\nConnection: close\r\n".encode()
        response = http.parse(http.raw(side.proxy.web, head + BODIES[body], namespace=side.proxy.namespace))
        assert (response.status, response.body) == (200, b"main")
        copies = side.copies(copied)
        until(partial(are_complete, copies), "the content of the copies")
        (original,) = side.seen(side.main)
        seen.append((content(original), [content(request) for request in copies]))
    assert seen[0] == seen[1]
    assert len(seen[0][1]) == copied


def test_without_the_body_a_copy_is_one_that_a_server_can_read(sides: tuple[Side, Side]) -> None:
    """Traefik announces the content of the original request, and then cannot send it."""
    lengths = []
    for side in sides:
        assert side.request("bare.test", "/bare", method="POST", body=b"hello").text == "main"
        assert side.request("bare.test", "/get").text == "main"
        copies = {request.target: request for request in side.copies(2)}
        assert [copies[target].body for target in ("/bare", "/get")] == [b"", b""]
        lengths.append(copies["/bare"].header("Content-Length"))
    assert lengths == ["0", "5"]


def test_several_mirrors_have_shares_of_their_own_and_middlewares_apply(sides: tuple[Side, Side]) -> None:
    for side in sides:
        side.wait_for_share(5, 10, "several.test")
        others = side.copies(10, side.other)
        assert sorted(request.target for request in others) == sorted(f"/added/{n}" for n in range(1, 11))


@pytest.mark.parametrize(
    ("host", "status", "copied"),
    [
        ("outer.test", 200, 1),
        # Once by the inner service, once by the outer one.
        ("nested.test", 200, 2),
        ("failing.test", 502, 1),
        ("lost.test", 200, 1),
        ("none.test", 200, 0),
    ],
)
def test_composite_and_failing_services(
    sides: tuple[Side, Side], host: str, status: int, copied: int
) -> None:
    for side in sides:
        assert side.request(host, "/x").status == status
        assert [request.target for request in side.copies(copied)] == ["/x"] * copied


def test_a_mirror_that_does_not_exist_is_left_out(sides: tuple[Side, Side]) -> None:
    """Traefik leaves out the router, and so the main service has an outage."""
    ours, theirs = sides
    assert ours.request("missing.test", "/x").text == "main"
    assert [request.target for request in ours.copies(1)] == ["/x"]
    assert "its mirror 'gone@file' does not exist and is left out" in ours.proxy.process.log
    assert theirs.request("missing.test", "/x").status == 404
