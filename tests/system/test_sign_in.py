"""Signing in to the dashboard, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.lab.browser import DESKTOP, PHONE, Scheme, accessibility_violations, chromium, open_page
from tests.lab.store import Store
from tests.proxy.admin.test_authorisation import APR1
from tests.proxy.running import Proxy, running_proxy

TOKEN = "s3cret"
UNAUTHORIZED = "status of 401"
"""A part of the browser's error message for the sign-in page."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def guarded() -> Iterator[Proxy]:
    """A proxy whose admin entry point accepts the token, and the user eve with her password."""
    flags = (f"--api.token={TOKEN}", f"--api.basicAuth.users=eve:{APR1}")
    with (
        TemporaryDirectory(prefix="rp-") as name,
        Store(Path(name)) as store,
        running_proxy(Path(name), store, *flags) as proxy,
    ):
        yield proxy


def dashboard(proxy: Proxy, query: str = "") -> str:
    return f"http://127.0.0.1:{proxy.admin}/dashboard/{query}"


def sign_in_form(page: Page) -> Locator:
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    return page.get_by_label("Token")


def test_a_user_signs_in_uses_the_dashboard_and_signs_out(guarded: Proxy, browser: Browser) -> None:
    with open_page(browser, dashboard(guarded, "?search=none"), allowed_error=UNAUTHORIZED) as page:
        expect(sign_in_form(page)).to_be_focused()
        page.keyboard.type("not it")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_have_text("Wrong token.")
        expect(page.get_by_label("Token")).to_be_focused()
        page.keyboard.type(TOKEN)
        page.keyboard.press("Enter")
        expect(page.locator("#live-status")).to_have_attribute("data-state", "on")
        assert page.url == dashboard(guarded, "?search=none")
        [cookie] = page.context.cookies(page.url)
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/dashboard/")
        # Scripts cannot read the cookie, and other paths of this host do not get it.
        assert page.evaluate("document.cookie") == ""
        assert page.context.cookies(f"http://127.0.0.1:{guarded.admin}/api/overview") == []
        page.get_by_label("Address", exact=True).fill("http://shop.test/x")
        page.keyboard.press("Enter")
        expect(page.locator("#explained .outcome")).to_contain_text("no router's rule matches")
        with page.expect_response("**/openapi.json") as response:
            page.get_by_role("link", name="API").click()
        assert response.value.status == 200
        page.go_back()
        page.get_by_role("button", name="Sign out").click()
        sign_in_form(page)
        page.goto(dashboard(guarded))
        sign_in_form(page)


def test_after_the_session_ends_the_page_asks_for_the_token(guarded: Proxy, browser: Browser) -> None:
    with open_page(browser, dashboard(guarded), allowed_error=UNAUTHORIZED) as page:
        sign_in_form(page).fill(TOKEN)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#live-status")).to_have_attribute("data-state", "on")
        page.context.clear_cookies()
        page.locator("#search").fill("shop")
        sign_in_form(page)
        assert page.url == dashboard(guarded, "?search=shop")


def test_signing_in_and_out_needs_no_javascript(guarded: Proxy, browser: Browser) -> None:
    with open_page(browser, dashboard(guarded), allowed_error=UNAUTHORIZED, script=False) as page:
        sign_in_form(page).fill(TOKEN)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Routes")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        sign_in_form(page)


def test_a_name_and_a_password_can_be_used_instead(guarded: Proxy, browser: Browser) -> None:
    context = browser.new_context(http_credentials={"username": "eve", "password": "test"})
    page = context.new_page()
    page.goto(dashboard(guarded))
    page.get_by_role("link", name="Use a name and a password").click()
    expect(page.locator("#live-status")).to_have_attribute("data-state", "on")
    expect(page.get_by_role("button", name="Sign out")).to_have_count(0)
    context.close()


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (DESKTOP, "dark"), (PHONE, "dark")])
def test_the_sign_in_page_is_accessible(
    guarded: Proxy, browser: Browser, size: tuple[int, int], scheme: Scheme
) -> None:
    with open_page(browser, dashboard(guarded), size, scheme, allowed_error=UNAUTHORIZED) as page:
        sign_in_form(page)
        assert accessibility_violations(page) == []
        page.get_by_label("Token").fill("not this")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_be_visible()
        assert accessibility_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == size[0]
