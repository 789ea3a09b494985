"""The dashboard in a real browser while the store or an agent is down."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.store.agents import SILENT_AFTER, AgentStatus, ProviderStatus, write_agent
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.publish import Publisher
from tests.lab import http
from tests.lab.browser import chromium, open_page
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.running import Proxy, running_proxy

WAIT = 20_000

LOST = Diagnostic(Severity.ERROR, "file", "router lost@file", "left out, because its service does not exist")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def proxy(store: Store, short_path: Path) -> Iterator[Proxy]:
    """A proxy whose store has one router that was left out."""
    with connect(store.url) as client:
        Publisher(client, Keys()).publish(Configuration(diagnostics=(LOST,)))
    with running_proxy(short_path, store) as running:
        until(lambda: http.request(running.admin, "localhost", "/ping").status == 200, "the worker")
        yield running


@pytest.mark.parametrize("width", [1280, 820, 375])
def test_without_the_store_figures_are_unknown_and_the_last_problems_stay(
    proxy: Proxy, browser: Browser, width: int
) -> None:
    with open_page(browser, f"http://127.0.0.1:{proxy.admin}/dashboard/", (width, 900)) as page:
        status, rate = page.locator("#live-status"), page.locator(".wide [data-slot=rate]")
        expect(status).to_have_attribute("data-state", "on", timeout=WAIT)
        expect(rate).to_have_text("0", timeout=WAIT)
        proxy.store.kill()
        expect(status).to_have_attribute("data-state", "trouble", timeout=WAIT)
        expect(page.locator("#live-status-text")).to_contain_text("the store does not respond", timeout=WAIT)
        expect(rate).to_have_text("\N{EN DASH}", timeout=WAIT)
        expect(page.locator("#busiest-list")).to_contain_text("Not known", timeout=WAIT)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        page.reload()
        expect(page.locator("#part-routes")).to_contain_text("lost@file", timeout=WAIT)
        expect(page.locator("#part-problems")).to_contain_text("the store does not respond", timeout=WAIT)
        proxy.store.start()
        expect(status).to_have_attribute("data-state", "on", timeout=WAIT)
        expect(rate).to_have_text("0", timeout=WAIT)


def test_an_agent_that_has_ended_is_shown_as_gone(proxy: Proxy) -> None:
    provider = {"docker": ProviderStatus("ok")}
    now = time.time()
    with connect(proxy.store.url) as client:
        for name, seen in (("dead", now - SILENT_AFTER - 5), ("living", now + 3600)):
            write_agent(client, Keys(), AgentStatus(name, "h", 1, now - 60, seen, provider, "leader"))
    part = http.request(proxy.admin, "localhost", "/dashboard/part/system").text
    dead, living = (
        next(row for row in part.split("<tr") if f">{name}<" in row) for name in ("dead", "living")
    )
    assert "<td>gone <small>was leader</small></td>" in dead
    assert 'class="server gone"' in dead
    assert "<td>leader</td>" in living
    assert 'class="server ok"' in living
