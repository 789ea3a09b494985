"""TCP and UDP on the dashboard, in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser, Locator, Page, expect

from rondpoint.model import Router, Server, Service
from rondpoint.rules import v3
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.publish import Publisher
from tests.lab import http
from tests.lab.browser import DESKTOP, PHONE, Scheme, accessibility_violations, chromium, open_page
from tests.lab.ports import free_port
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.admin.layer4_scene import configuration
from tests.proxy.admin.test_ten_thousand import published
from tests.proxy.running import Proxy, running_proxy

LISTS = [
    ("TCP", "Routers", "TCP routers", "HostSNI(`db.test`)"),
    ("TCP", "Services", "TCP services", "127.0.0.1:5433"),
    ("TCP", "Middlewares", "TCP middlewares", "ipallowlist"),
    ("UDP", "Routers", "UDP routers", "dns@file"),
    ("UDP", "Services", "UDP services", "127.0.0.1:54"),
]
"""Protocol, tab, caption of the table, and a text in it."""

OVERFLOWING = """[...document.querySelectorAll("table, .flow")].filter((each) =>
    each.getBoundingClientRect().right > each.closest(".card").getBoundingClientRect().right).length"""
"""The number of tables and flows that are wider than their card."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    """A few objects of each protocol."""
    objects = replace(
        configuration(),
        # The same name as a TCP router.
        routers={"db@file": Router("db@file", v3.parse("Host(`shop.test`)"), "shop@file", 10)},
        services={"shop@file": Service("shop@file", (Server("s", "127.0.0.1", 1),))},
    )
    protocols = (("pg", "tcp"), ("raw", "tcp"), ("dns", "udp"), ("time", "udp"))
    points = [f"--entryPoints.{name}.address=127.0.0.1:{free_port()}/{rest}" for name, rest in protocols]
    with TemporaryDirectory(prefix="rp-") as name, Store(Path(name)) as store:
        with connect(store.url) as client:
            Publisher(client, Keys()).publish(objects)
        with running_proxy(Path(name), store, *points) as proxy:
            until(lambda: proxy.status("shop.test") == 502, "the routers in force")
            yield proxy


@pytest.fixture(scope="module")
def large() -> Iterator[Proxy]:
    """Ten thousand routers and services of each protocol."""
    with TemporaryDirectory(prefix="rp-") as name, Store(Path(name)) as store:
        published(store)
        with running_proxy(Path(name), store) as proxy:
            path = "/api/udp/routers?per_page=1"
            until(lambda: b"@docker" in http.request(proxy.admin, "localhost", path).body, "the routers")
            yield proxy


def dashboard(proxy: Proxy) -> str:
    return f"http://127.0.0.1:{proxy.admin}/dashboard/"


def rows(page: Page) -> Locator:
    return page.locator("#part-routes tbody tr")


def tab(page: Page, name: str) -> Locator:
    return page.get_by_role("radio", name=name, exact=True)


@pytest.mark.parametrize(("protocol", "kind", "caption", "text"), LISTS)
def test_each_protocol_has_lists_of_its_own(
    proxy: Proxy, browser: Browser, protocol: str, kind: str, caption: str, text: str
) -> None:
    with open_page(browser, dashboard(proxy)) as page:
        expect(rows(page)).to_contain_text(["Host(`shop.test`)"])
        tab(page, protocol).click()
        tab(page, kind).click()
        expect(page.locator("#part-routes caption")).to_have_text(caption)
        expect(page.locator("#part-routes tbody")).to_contain_text(text)
        assert f"protocol={protocol.lower()}" in page.url
        assert accessibility_violations(page) == []
        page.reload()
        expect(tab(page, protocol)).to_be_checked()
        expect(page.locator("#part-routes caption")).to_have_text(caption)


def test_udp_has_no_middlewares(proxy: Proxy, browser: Browser) -> None:
    with open_page(browser, f"{dashboard(proxy)}?protocol=udp&kind=middleware") as page:
        expect(page.locator("#part-routes")).to_contain_text("UDP has no middlewares.")
        tab(page, "HTTP").click()
        expect(page.locator("#part-routes")).to_contain_text("No middlewares yet.")


def test_the_list_shows_tls_entry_points_and_the_reason_of_a_status(proxy: Proxy, browser: Browser) -> None:
    with open_page(browser, f"{dashboard(proxy)}?protocol=tcp") as page:
        expect(rows(page).filter(has_text="db@file").first).to_be_visible()
        row = {name: rows(page).filter(has=page.locator(f'[data-router="{name}@file"]')) for name in (
            "db", "ended", "plain", "half", "lost"
        )}  # fmt: skip
        expect(row["db"]).to_contain_text("passthrough to the server")
        expect(row["db"]).to_contain_text("pg \N{MIDDLE DOT} priority 18")
        expect(row["ended"]).to_contain_text("terminated by the proxy, options strict@file, resolver le")
        expect(row["plain"].locator(".tls")).to_have_text("none")
        expect(row["half"]).to_contain_text("entry point 'other' does not exist")
        expect(row["half"].locator(".badge")).to_have_text("warning")
        expect(row["lost"]).to_contain_text("service nowhere@file does not exist")
        expect(row["lost"].locator(".badge")).to_have_text("disabled")


def test_a_click_shows_the_flow_of_a_router_of_the_same_name_and_another_protocol(
    proxy: Proxy, browser: Browser
) -> None:
    with open_page(browser, dashboard(proxy)) as page:
        flow = page.locator("#part-flow")
        expect(flow).to_contain_text("Host(`shop.test`)")
        tab(page, "TCP").click()
        page.locator("#part-routes").get_by_role("link", name="db@file").click()
        expect(flow.get_by_role("heading", name="Flow of TCP connections")).to_be_visible()
        expect(flow.locator(".router")).to_contain_text("TLS: passthrough to the server")
        expect(flow.locator(".entry-point")).to_contain_text("pg")
        expect(flow.locator(".middleware")).to_contain_text(
            ['sourceRange=["192.0.2.0/24","10.0.0.7"]', "amount=3"]
        )
        expect(flow.locator(".target")).to_contain_text(["127.0.0.1:5432", "TLS \N{MIDDLE DOT} down"])
        assert "tcp-router=db%40file" in page.url
        expect(rows(page).and_(page.locator(".chosen"))).to_contain_text("HostSNI(`db.test`)")
        page.reload()
        expect(flow.locator(".router")).to_contain_text("HostSNI(`db.test`)")
        tab(page, "HTTP").click()
        expect(rows(page)).to_have_count(1)
        # The HTTP router of this name is not the chosen one.
        expect(page.locator("#part-routes .chosen")).to_have_count(0)
        page.locator("#part-routes").get_by_role("link", name="db@file").click()
        expect(flow).to_contain_text("Host(`shop.test`)")
        assert "tcp-router" not in page.url


def test_the_flow_of_a_composite_service_shows_its_members(proxy: Proxy, browser: Browser) -> None:
    with open_page(browser, f"{dashboard(proxy)}?tcp-router=ended%40file") as page:
        members = page.locator("#part-flow .member")
        expect(members).to_have_count(2)
        expect(members.nth(0)).to_contain_text("weight 2")
        expect(members.nth(1)).to_contain_text("PROXY protocol 1")
    with open_page(browser, f"{dashboard(proxy)}?udp-router=half%40file") as page:
        expect(page.locator("#part-flow .target")).to_contain_text(["127.0.0.1:53", "draining"])
        expect(page.locator("#part-flow .entry-point")).to_contain_text(re.compile("time.*/udp", re.DOTALL))


def test_a_router_that_was_left_out_shows_the_reason_in_its_flow(proxy: Proxy, browser: Browser) -> None:
    with open_page(browser, f"{dashboard(proxy)}?tcp-router=garbled%40file") as page:
        expect(page.locator("#part-flow .router")).to_contain_text("left out")
        expect(page.locator("#part-flow .router")).to_contain_text("Host is for HTTP routers")
    with open_page(browser, f"{dashboard(proxy)}?udp-router=gone%40file") as page:
        expect(page.locator("#part-flow")).to_contain_text("Router gone@file no longer exists.")


def test_the_numbers_at_the_top_lead_to_the_lists(proxy: Proxy, browser: Browser) -> None:
    with open_page(browser, dashboard(proxy)) as page:
        tile = page.locator(".tile").filter(has_text="TCP and UDP")
        expect(tile.locator(".figure")).to_have_text("11")
        tile.get_by_role("link", name="3 disabled").click()
        expect(rows(page)).to_have_count(3)
        expect(tab(page, "TCP")).to_be_checked()
        tile.get_by_role("link", name="3 UDP").click()
        expect(page.locator("#part-routes caption")).to_have_text("UDP routers")
        expect(rows(page)).to_have_count(3)


def test_an_installation_without_tcp_and_udp_has_no_tile_for_them(
    store: Store, short_path: Path, browser: Browser
) -> None:
    with running_proxy(short_path, store) as proxy:
        proxy.route(1)
        with open_page(browser, f"{dashboard(proxy)}?protocol=tcp") as page:
            expect(page.locator("#part-routes")).to_contain_text("No TCP routers yet.")
            expect(page.locator(".tile").filter(has_text="TCP and UDP")).to_have_count(0)
            # The flow is that of a router of HTTP then.
            expect(page.locator("#part-flow").get_by_role("heading", name="Request flow")).to_be_visible()
            expect(page.locator("#part-flow .router")).to_contain_text("Path(`/marker")


def test_a_tcp_connection_is_explained(proxy: Proxy, browser: Browser) -> None:
    port = next(
        each["address"].rpartition(":")[2].partition("/")[0]
        for each in json.loads(http.request(proxy.admin, "localhost", "/api/entrypoints").body)
        if each["name"] == "pg"
    )
    with open_page(browser, dashboard(proxy)) as page:
        page.get_by_label("Address", exact=True).fill(f"tcp://db.test:{port}")
        page.get_by_label("The client's address").fill("192.0.2.1")
        page.keyboard.press("Enter")
        result = page.locator("#explained")
        expect(result.locator(".outcome").first).to_have_text(
            "Over TLS: router db@file (TLS passthrough), service db@file"
        )
        expect(result.locator(".outcome").last).to_contain_text("HTTP routers are next")
        expect(result).to_contain_text("127.0.0.1:5433")
        page.get_by_label("The client's address").fill("10.0.0.1")
        page.get_by_role("button", name="Explain").click()
        expect(result.locator(".outcome").first).to_contain_text(
            "closes the connection: middleware office@file refuses the address 10.0.0.1"
        )
        assert accessibility_violations(page) == []


def test_the_keyboard_changes_the_protocol(proxy: Proxy, browser: Browser) -> None:
    with open_page(browser, dashboard(proxy)) as page:
        tab(page, "HTTP").focus()
        page.keyboard.press("ArrowRight")
        expect(tab(page, "TCP")).to_be_focused()
        expect(page.locator("#part-routes caption")).to_have_text("TCP routers")
        page.keyboard.press("ArrowRight")
        expect(page.locator("#part-routes caption")).to_have_text("UDP routers")
        link = page.locator("#part-routes").get_by_role("link", name="dns@file")
        link.focus()
        page.keyboard.press("Enter")
        expect(page.locator("#part-flow")).to_contain_text("Flow of UDP sessions")
        expect(link).to_be_focused()


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (DESKTOP, "dark"), (PHONE, "dark")])
@pytest.mark.parametrize("query", ["protocol=tcp&tcp-router=db%40file", "protocol=udp&kind=service"])
def test_the_page_is_accessible(
    proxy: Proxy, browser: Browser, size: tuple[int, int], scheme: Scheme, query: str
) -> None:
    with open_page(browser, f"{dashboard(proxy)}?{query}", size, scheme) as page:
        expect(rows(page).first).to_be_visible()
        assert accessibility_violations(page) == []


@pytest.mark.parametrize("width", [320, 600, 820, 1024, 1200, 1280])
def test_lists_and_flows_fit_at_any_width(proxy: Proxy, browser: Browser, width: int) -> None:
    with open_page(browser, f"{dashboard(proxy)}?tcp-router=ended%40file", (width, 900)) as page:
        for protocol, kind, caption, _ in LISTS:
            tab(page, protocol).click()
            tab(page, kind).click()
            expect(page.locator("#part-routes caption")).to_have_text(caption)
            assert page.evaluate("document.documentElement.scrollWidth") == width
            assert page.evaluate(OVERFLOWING) == 0


@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
def test_ten_thousand_routers_are_searched(large: Proxy, browser: Browser, protocol: str) -> None:
    with open_page(browser, f"{dashboard(large)}?protocol={protocol.lower()}") as page:
        expect(page.locator("#part-overview")).to_contain_text(f"10,000 {protocol}")
        expect(rows(page)).to_have_count(25)
        assert page.evaluate("document.documentElement.scrollWidth") == DESKTOP[0]
        page.locator("#search").fill("r9999")
        expect(rows(page)).to_have_count(1)
        expect(rows(page)).to_contain_text("r9999@docker")
        page.locator("#search").fill("")
        pages = page.get_by_role("navigation", name="Pages of routes")
        expect(pages).to_contain_text("1\N{EN DASH}25 of 10,000")
        pages.get_by_role("button", name="Next").click()
        expect(pages).to_contain_text("26\N{EN DASH}50 of 10,000")
        tab(page, "Services").click()
        expect(rows(page).first).to_contain_text("127.0.0.1:1")
        expect(rows(page).first.locator(".pick")).to_have_text("r0@docker")


def test_the_lists_can_be_read_without_javascript(proxy: Proxy, browser: Browser) -> None:
    with open_page(browser, f"{dashboard(proxy)}?tcp-router=plain%40file", script=False) as page:
        tab(page, "TCP").check()
        page.get_by_label("Status", exact=True).select_option("warning")
        page.get_by_role("button", name="Show").first.click()
        expect(rows(page)).to_have_count(1)
        expect(rows(page)).to_contain_text("half@file")
        router = page.locator("#part-flow .router")
        expect(router).to_contain_text(re.compile("plain@file.*no TLS", re.DOTALL))
        page.locator("#part-routes").get_by_role("link", name="half@file").click()
        expect(router).to_contain_text("HostSNI(`half.test`)")
