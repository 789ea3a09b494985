"""Drives Chromium: opens pages with a size and colour scheme, and checks their requests and errors."""

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

TIMEOUT = 90_000
"""Milliseconds to wait for a page on a busy machine."""
expect.set_options(timeout=TIMEOUT)

Scheme = Literal["light", "dark"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Debian's Chromium without a window. Raises LabError if it is not installed."""
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
def open_page(
    browser: Browser,
    url: str,
    size: tuple[int, int] = DESKTOP,
    scheme: Scheme = "light",
    *,
    allowed_error: str = "",
    script: bool = True,
    ignore_certificate: bool = False,
) -> Iterator[Page]:
    """Open a page. Raises AssertionError at the end if it sent requests to another host or logged an error.

    Errors that contain `allowed_error` are ignored. Without `script`, JavaScript is off. With
    `ignore_certificate`, a self-signed certificate is no error.
    """
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,
        java_script_enabled=script,
        ignore_https_errors=ignore_certificate,
    )
    page = context.new_page()
    page.set_default_timeout(TIMEOUT)
    requested: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    try:
        page.goto(url)
        yield page
        origin = "/".join(url.split("/")[:3]) + "/"
        assert [address for address in requested if not address.startswith(origin)] == []
        assert [text for text in errors if not allowed_error or allowed_error not in text] == []
    finally:
        context.close()


def accessibility_violations(page: Page) -> list[str]:
    """Return the serious and critical accessibility violations that axe-core finds on the page."""
    violations = Axe().run(page).response["violations"]
    return [
        f"{violation['id']}: {node['html'][:200]} {node['failureSummary']}"
        for violation in violations
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
