"""A terminal dashboard made for Traefik (tt-tui-for-traefik), unmodified, against Rondpoint."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest
from textual.widgets import DataTable
from tt_tui.api import TraefikAPI
from tt_tui.app import DeepLink, TraefikTUI
from tt_tui.models import BasicAuth

from tests.lab import http
from tests.lab.installation import Installation, start
from tests.lab.processes import Processes
from tests.lab.waiting import until

ROUTES = """
http:
  routers:
    shop: {rule: "Host(`shop.test`)", service: shop, middlewares: [strip]}
    lost: {rule: "Host(`lost.test`)", service: nowhere}
  services:
    shop: {loadBalancer: {servers: [{url: "http://127.0.0.1:9001"}, {url: "http://127.0.0.1:9002"}]}}
  middlewares:
    strip: {stripPrefix: {prefixes: [/a]}}
"""


@pytest.fixture
def running(processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    monkeypatch.setenv("TT_LOCAL_HOME", str(tmp_path / "tt"))
    (tmp_path / "routes.yml").write_text(ROUTES)
    users = "eve:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"
    found = start(
        processes,
        "--workers=1",
        f"--providers.file.filename={tmp_path}/routes.yml",
        f"--api.basicAuth.users={users}",
    )
    right = ("Authorization", "Basic " + base64.b64encode(b"eve:test").decode())
    path = "/api/http/routers/shop@file"
    until(lambda: http.request(found.admin, "localhost", path, headers=[right]).status == 200, "the routes")
    return found


def rows(app: TraefikTUI, table: str) -> list[list[str]]:
    """Return the rows of a table on the screen."""
    found = app.query_one(f"#{table}", DataTable)
    return [[str(cell) for cell in found.get_row(key)] for key in found.rows]


async def shown(app: TraefikTUI, table: str) -> list[list[str]]:
    for _ in range(600):
        found = [row for row in rows(app, table) if row]
        if found:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"{table} stays empty")


def test_its_tables_are_filled(running: Installation) -> None:
    async def look() -> dict[str, list[list[str]]]:
        app = TraefikTUI(
            deep_link=DeepLink.parse("router:http#shop@file"),
            direct_url=f"http://127.0.0.1:{running.admin}",
            direct_username="eve",
            direct_password="test",
        )
        async with app.run_test(size=(160, 50)):
            return {table: await shown(app, table) for table in ("http-table", "entrypoints-table")}

    found = asyncio.run(look())
    routers = {row[0]: row for row in found["http-table"]}
    assert set(routers) == {"shop@file", "lost@file"}
    assert any("❌" in cell for cell in routers["lost@file"])
    assert {row[0] for row in found["entrypoints-table"]} == {"web", "traefik"}


def test_its_client_reads_every_object(running: Installation) -> None:
    async def look() -> None:
        api = TraefikAPI(
            f"http://127.0.0.1:{running.admin}", BasicAuth(username="eve", password="test"), timeout=20
        )
        assert (await api.get_version()).codename == "rondpoint"
        assert (await api.get_overview()).enabled_providers == ["File"]
        router = await api.get_http_router("shop@file")
        assert (router.service, router.using, router.middlewares) == ("shop@file", ["web"], ["strip@file"])
        lost = await api.get_http_router("lost@file")
        assert lost.error
        service = await api.get_http_service("shop@file")
        assert service.load_balancer
        assert (service.type, len(service.load_balancer["servers"])) == ("loadbalancer", 2)
        assert set((service.servers_status or {}).values()) == {"UP"}
        assert service.used_by == ["shop@file"]
        middleware = await api.get_http_middleware("strip@file")
        assert middleware.config
        assert (middleware.type, middleware.config["stripPrefix"]["prefixes"]) == ("stripprefix", ["/a"])
        assert await api.get_tcp_routers() == await api.get_udp_services() == []
        assert [point.name for point in await api.get_entrypoints()] == ["traefik", "web"]
        await api.close()

    asyncio.run(look())
