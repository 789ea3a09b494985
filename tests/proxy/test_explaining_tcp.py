"""`/api/explain` and `rondpoint explain` for TCP connections, asked of a running proxy."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from msgspec.structs import replace

from rondpoint.model import Router, Server, Service
from rondpoint.rules import v3
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.publish import Publisher
from tests.lab import http
from tests.lab.ports import free_port
from tests.lab.processes import installed
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.admin.layer4_scene import configuration
from tests.proxy.running import Proxy, running_proxy

PG, RAW = free_port(), free_port()


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    points = (
        f"--entryPoints.pg.address=127.0.0.1:{PG}",
        f"--entryPoints.raw.address=127.0.0.1:{RAW}",
        f"--entryPoints.dns.address=127.0.0.1:{free_port()}/udp",
    )
    objects = replace(
        configuration(),
        routers={
            "shop@file": Router(
                "shop@file", v3.parse("Host(`shop.test`)"), "shop@file", 10, entry_points=("pg",), tls=True
            )
        },
        services={"shop@file": Service("shop@file", (Server("s", "127.0.0.1", 1),))},
    )
    with TemporaryDirectory(prefix="rp-") as name, Store(Path(name)) as store:
        with connect(store.url) as client:
            Publisher(client, Keys()).publish(objects)
        with running_proxy(Path(name), store, *points) as proxy:
            path = "/api/tcp/routers"
            until(lambda: b"@file" in http.request(proxy.admin, "localhost", path).body, "the routers")
            yield proxy


def ask(proxy: Proxy, query: str) -> dict[str, Any]:
    response = http.request(proxy.admin, "localhost", f"/api/explain?{query}")
    assert response.status == 200, response
    found: dict[str, Any] = json.loads(response.body)
    return found


def command(proxy: Proxy, *arguments: str) -> subprocess.CompletedProcess[str]:
    api = f"--api=http://127.0.0.1:{proxy.admin}"
    return subprocess.run(
        [installed("rondpoint"), "explain", *arguments, api], capture_output=True, text=True, check=False
    )


def test_the_server_name_and_the_port_choose_router_and_entry_point(proxy: Proxy) -> None:
    found = ask(proxy, f"url=tcp://DB.test.:{PG}&client=::ffff:192.0.2.1")
    assert (found["entryPoint"], found["serverName"], found["client"]) == ("pg", "db.test", "192.0.2.1")
    assert (found["overTls"]["outcome"], found["overTls"]["router"]) == ("tcp", "db@file")
    assert found["overTls"]["passthrough"] is True
    assert found["plain"]["outcome"] == "http"
    assert ask(proxy, f"url=tcp://127.0.0.1:{RAW}")["serverName"] == ""


def test_an_http_router_for_the_host_comes_first(proxy: Proxy) -> None:
    found = ask(proxy, "url=tcp://shop.test&entryPoint=pg")["overTls"]
    assert (found["outcome"], found["router"]) == ("http", "")
    assert "HTTP router shop@file serves this host" in found["reason"]


def test_offered_protocols_count(proxy: Proxy) -> None:
    query = "url=tcp://a.test&entryPoint=pg"
    assert ask(proxy, query)["overTls"]["candidates"][0]["failed"] == ["ALPN(`pg`)"]
    assert ask(proxy, f"{query}&alpn=h2&alpn=pg")["overTls"]["router"] == "ended@file"


def test_the_command_says_which_router_takes_a_connection(proxy: Proxy) -> None:
    told = command(proxy, "tcp://db.test", "--entry-point=pg", "--client=192.0.2.1")
    assert told.returncode == 0, told.stderr
    lines = told.stdout.splitlines()
    assert lines[0] == "TCP connection to entry point pg from 192.0.2.1"
    assert "over TLS (db.test):" in lines
    assert "router      db@file, TLS passthrough" in lines
    assert "middlewares office@file, few@file" in lines
    assert "server      127.0.0.1:5433 (s2, down, TLS)" in lines
    assert lines[-1] == "HTTP        no TCP router without TLS is on this entry point; HTTP routers are next"
    told = command(proxy, "tcp://a.test", "--entryPoint=pg", "--alpn=pg")
    assert "router      ended@file" in told.stdout
    assert "over TLS (a.test, ALPN pg):" in told.stdout
    assert "member      db@file (weight 2)" in told.stdout


def test_the_command_fails_if_no_tcp_router_serves_the_connection(proxy: Proxy) -> None:
    told = command(proxy, "tcp://db.test", "--entry-point=pg", "--client=10.9.9.9")
    assert told.returncode == 1
    assert "closed      middleware office@file refuses the address 10.9.9.9" in told.stdout
    told = command(proxy, "tcp://nothing.test", "--entry-point=pg", "--json")
    assert told.returncode == 1
    assert json.loads(told.stdout)["overTls"]["reason"] == "no TCP router serves the name nothing.test"


def test_a_request_whose_connection_a_tcp_router_takes_is_explained_as_that_connection(
    proxy: Proxy,
) -> None:
    found = ask(proxy, f"url=https://db.test:{PG}/x&client=192.0.2.1")
    assert (found["serverName"], found["protocols"]) == ("db.test", ["h2", "http/1.1"])
    assert found["overTls"]["router"] == "db@file"
    note = "TCP router db@file takes this connection, so no HTTP router gets the request"
    assert found["notes"] == [note]
    told = command(proxy, f"https://db.test:{PG}/x", "--client=192.0.2.1")
    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines()[-1] == f"note        {note}"
    # Without TLS, the router for all names takes every connection of its entry point.
    assert ask(proxy, f"url=http://any.test:{RAW}/")["plain"]["router"] == "plain@file"


def test_a_request_that_no_tcp_router_takes_is_explained_as_http(proxy: Proxy) -> None:
    assert ask(proxy, f"url=https://shop.test:{PG}/")["router"] == "shop@file"
    assert ask(proxy, f"url=http://db.test:{PG}/")["status"] == 404


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("url=tcp://", "is not an address such as tcp://db.example.com:5432"),
        ("url=tcp://a.test/path", "is not an address such as"),
        ("url=tcp://a.test:99999", "cannot be read"),
        ("url=tcp://a.test&client=x", "client 'x' is not an IP address"),
        ("url=tcp://a.test&entryPoint=dns", "entryPoint 'dns' does not exist: expected one of pg, raw, web"),
    ],
)
def test_a_bad_query_is_refused_with_the_reason(proxy: Proxy, query: str, message: str) -> None:
    response = http.request(proxy.admin, "localhost", f"/api/explain?{query}")
    assert response.status == 400
    assert message in json.loads(response.body)["message"]
