"""Traefik 3 and Rondpoint copy the same requests to mirrors; each has servers of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
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


@dataclass(frozen=True, slots=True)
class Side:
    """A proxy with its servers."""

    proxy: Installation
    main: Origin
    copy: Origin
    other: Origin

    def copies_after(self, marker: str, origin: Origin | None = None, *, at_least: int = 0) -> list[Request]:
        """Return the copies since the last call, once the copy of one more request has come.

        Copies may overtake each other, so wait for this number of others, too.
        """
        origin = origin or self.copy
        self.proxy.request("all.test", marker)
        if origin is self.other:
            self.proxy.request("several.test", marker)
        seen = origin.wait_for_requests(0)
        while len(seen) <= at_least or not any(request.target.endswith(marker) for request in seen):
            seen = origin.wait_for_requests(len(seen) + 1)
        origin.requests.clear()
        return [request for request in seen if not request.target.endswith(marker)]


@pytest.fixture(scope="module")
def sides() -> Iterator[tuple[Side, Side]]:
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


@pytest.mark.parametrize("percent", SHARES)
def test_the_same_requests_are_copied(sides: tuple[Side, Side], percent: int) -> None:
    copied = []
    for side in sides:
        side.copies_after("/before")
        for number in range(1, 101):
            side.proxy.request(f"share{percent}.test", f"/{number}")
        copies = side.copies_after("/after", at_least=percent if side is sides[1] else percent - 2)
        copied.append(sorted(int(request.target[1:]) for request in copies))
    ours, theirs = copied
    assert theirs == [number for number in range(1, 101) if gets_copy(number, percent)]
    # On a busy machine tickets may be late; the worker then uses its own, which shifts the copies.
    assert len(ours) == pytest.approx(percent, abs=2)


def test_copies_are_alike(sides: tuple[Side, Side]) -> None:
    seen = []
    for side in sides:
        side.copies_after("/before")
        headers = [("X-A", "b"), ("Cookie", "c=d"), ("X-Forwarded-For", "192.0.2.7")]
        side.proxy.request("all.test", "/api/x?y", method="PUT", headers=headers, body=b"hello")
        (request,) = side.copies_after("/after", at_least=1)
        original = next(each for each in side.main.requests if each.target == "/x?y")
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


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("host", ["all.test", "limited.test"])
def test_bodies_are_copied_up_to_the_limit(sides: tuple[Side, Side], host: str, body: str) -> None:
    seen = []
    count = 0 if host == "limited.test" and "beyond" in body else 1
    for side in sides:
        side.copies_after("/before")
        side.main.requests.clear()
        head = f"POST /body HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n".encode()
        response = http.parse(http.raw(side.proxy.web, head + BODIES[body], namespace=side.proxy.namespace))
        assert (response.status, response.body) == (200, b"main")
        copies = [content(request) for request in side.copies_after("/after", at_least=count)]
        seen.append((content(side.main.requests[0]), copies))
    assert seen[0] == seen[1]
    assert len(seen[0][1]) == count


def test_without_the_body_a_copy_is_one_that_a_server_can_read(sides: tuple[Side, Side]) -> None:
    """Traefik announces the content of the original request, and then cannot send it."""
    lengths = []
    for side in sides:
        side.copies_after("/before")
        assert side.proxy.request("bare.test", "/bare", method="POST", body=b"hello").text == "main"
        assert side.proxy.request("bare.test", "/get").text == "main"
        copies = {request.target: request for request in side.copies_after("/after", at_least=2)}
        assert [copies[target].body for target in ("/bare", "/get")] == [b"", b""]
        lengths.append(copies["/bare"].header("Content-Length"))
    assert lengths == ["0", "5"]


def test_several_mirrors_have_shares_of_their_own_and_middlewares_apply(sides: tuple[Side, Side]) -> None:
    seen = []
    for side in sides:
        side.copies_after("/before")
        side.copies_after("/before", side.other)
        side.copies_after("/before")
        for number in range(10):
            side.proxy.request("several.test", f"/{number}")
        others = side.copies_after("/after", side.other, at_least=10)
        until(partial(half_has_come, side), "half of the copies")
        half = numbered(side.copies_after("/end"))
        seen.append((len(half), sorted(request.target for request in others)))
    every = [f"/added/{number}" for number in range(10)]
    assert seen == [(5, every), (5, every)]


def half_has_come(side: Side) -> bool:
    return len(numbered(side.copy.requests)) >= 5


def numbered(requests: list[Request]) -> list[Request]:
    """Return the requests for a number; copies of markers may come late."""
    return [request for request in requests if request.target[1:].isdigit()]


@pytest.mark.parametrize(
    ("host", "status", "count"),
    [
        ("outer.test", 200, 1),
        # Once by the inner service, once by the outer one.
        ("nested.test", 200, 2),
        ("failing.test", 502, 1),
        ("lost.test", 200, 1),
        ("none.test", 200, 0),
    ],
)
def test_composite_and_failing_services(sides: tuple[Side, Side], host: str, status: int, count: int) -> None:
    for side in sides:
        side.copies_after("/before")
        assert side.proxy.request(host, "/x").status == status
        copies = side.copies_after("/after", at_least=count)
        assert [request.target for request in copies] == ["/x"] * count


def test_a_mirror_that_does_not_exist_is_left_out(sides: tuple[Side, Side]) -> None:
    """Traefik leaves out the router, and so the main service has an outage."""
    ours, theirs = sides
    ours.copies_after("/before")
    assert ours.proxy.request("missing.test", "/x").text == "main"
    assert [request.target for request in ours.copies_after("/after", at_least=1)] == ["/x"]
    assert "its mirror 'gone@file' does not exist and is left out" in ours.proxy.process.log
    assert theirs.proxy.request("missing.test", "/x").status == 404
