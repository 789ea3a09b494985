"""The scenarios of the comparison: body, direction, and keep-alive or new connections."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scenario:
    """A kind of request; `size` is the response body's length in bytes, `upload` the request body's.

    With `new_connections`, each request opens a connection. `connections` overrides the plan's number. With
    `varied`, requests are as long as a browser's, and no two are equal. `tls` is between client and proxy.
    """

    name: str
    path: str
    size: int
    new_connections: bool = False
    upload: int = 0
    connections: int | None = None
    varied: bool = False
    tls: bool = False


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("small", "/", 65),
        Scenario("varied", "/", 65, varied=True),
        Scenario("10k", "/10k", 10 * 1024),
        Scenario("1m", "/1m", 1024 * 1024),
        Scenario("chunked", "/chunked", 10 * 1024),
        Scenario("upload1m", "/upload", 65, upload=1024 * 1024),
        Scenario("newconn", "/", 65, new_connections=True),
        Scenario("tls", "/", 65, tls=True),
        Scenario("tls10k", "/10k", 10 * 1024, tls=True),
        Scenario("tlsnew", "/", 65, new_connections=True, tls=True),
        Scenario("lone", "/", 65, connections=1),
    )
}
