"""Chromium, driven: pages of a size and a colour scheme, whose requests and complaints are kept."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.lab.errors import LabError

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

DESKTOP = (1280, 800)
PHONE = (375, 812)

PATIENCE = 90_000
"""Milliseconds for what a page does, on a busy machine."""
expect.set_options(timeout=PATIENCE)

Scheme = Literal["light", "dark"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's, without a window. LabError where there is none."""
    path = shutil.which("chromium")
    if path is None:
        raise LabError("chromium is missing: apt-get install chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(
    browser: Browser,
    url: str,
    size: tuple[int, int] = DESKTOP,
    scheme: Scheme = "light",
    *,
    foreseen: str = "",
    script: bool = True,
) -> Iterator[Page]:
    """A page; AssertionError at its end if it asked another host for anything, or complained of anything.

    Complaints that have `foreseen` in them are let pass. Without `script`, it runs none.
    """
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, java_script_enabled=script
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    try:
        page.goto(url)
        yield page
        origin = "/".join(url.split("/")[:3]) + "/"
        assert [other for other in asked if not other.startswith(origin)] == []
        assert [words for words in complaints if not foreseen or foreseen not in words] == []
    finally:
        context.close()


def hindrances(page: Page) -> list[str]:
    """What axe-core finds on the page that keeps people from using it: serious or worse."""
    found = Axe().run(page).response["violations"]
    return [
        f"{fault['id']}: {node['html'][:200]} {node['failureSummary']}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]
