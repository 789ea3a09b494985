"""The dashboard, in a real browser."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from docker.models.containers import Container
from playwright.sync_api import Browser, Locator, Page, expect

from rondpoint.store.acme import AcmeState, certificate_id
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.tls.model import TlsDomain
from tests.lab import http
from tests.lab.browser import DESKTOP, FLAGS, PHONE, Scheme, accessibility_violations, chromium, open_page
from tests.lab.engine import Engine
from tests.lab.installation import Installation, start
from tests.lab.origin import Origin
from tests.lab.processes import Processes
from tests.lab.store import Store
from tests.lab.waiting import until
from tests.proxy.admin.test_ten_thousand import published
from tests.proxy.running import Proxy, running_proxy
from tests.proxy.tls.certificates import make_certificate

OVERFLOWING = """[...document.querySelectorAll("table")].filter((table) =>
    table.getBoundingClientRect().right > table.closest(".card").getBoundingClientRect().right).length"""
"""The number of tables that are wider than their card."""

OUTLINE = """{
    const focused = document.activeElement;
    getComputedStyle(focused.closest(".tabs label")?.querySelector("span") ?? focused).outlineStyle;
}"""
"""The outline of the focused element."""

DUMPING = ["--headless", *FLAGS, "--dump-dom"]


def page(url: str, profile: Path) -> str:
    """Return the document after the browser has loaded the page."""
    browser = shutil.which("chromium")
    assert browser, "chromium is missing: apt-get install chromium"
    command = [browser, *DUMPING, f"--user-data-dir={profile}", url]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def test_the_dashboard_lists_routers_services_and_problems(processes: Processes, tmp_path: Path) -> None:
    with Origin.named("a") as origin:
        (tmp_path / "routes.yml").write_text(
            f"""
http:
  routers:
    shop: {{rule: "Host(`shop.test`) && PathPrefix(`/<b>`)", service: shop}}
    lost: {{rule: "Host(`lost.test`)", service: nowhere}}
  services:
    shop: {{loadBalancer: {{servers: [{{url: "http://127.0.0.1:{origin.port}"}}]}}}}
"""
        )
        running = start(
            processes, "--workers=1", f"--providers.file.filename={tmp_path}/routes.yml", directory=tmp_path
        )
        running.wait_for("shop.test", "/<b>")
        # The agent reports its role shortly after its first publication.
        until(
            lambda: [each["role"] for each in running.api("/api/instances")["agents"].values()] == ["leader"],
            "a leader",
        )
        dom = page(f"http://127.0.0.1:{running.admin}/dashboard/", tmp_path / "profile")
    assert "shop@file" in dom
    assert "&lt;b&gt;" in dom
    assert f"http://127.0.0.1:{origin.port}" in dom
    assert "lost@file" in dom
    assert "nowhere" in dom
    assert "<td>leader</td>" in dom


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Two workers and four routers, one of which is left out."""
    directory: Path = tmp_path_factory.mktemp("routes")
    processes = Processes()
    with Origin.named("a") as one, Origin.named("b") as two:
        (directory / "routes.yml").write_text(
            f"""
http:
  routers:
    shop: {{rule: "Host(`shop.test`) && PathPrefix(`/x`)", service: shop, middlewares: [tries, strip]}}
    api: {{rule: "Host(`shop.test`) && PathPrefix(`/api`)", service: both, priority: 100}}
    lost: {{rule: "Host(`lost.test`)", service: nowhere}}
    office: {{rule: "Host(`office.test`)", service: shop, middlewares: [office]}}
  middlewares:
    tries: {{retry: {{attempts: 2}}}}
    strip: {{stripPrefix: {{prefixes: [/x]}}}}
    office: {{ipAllowList: {{sourceRange: [192.0.2.0/24]}}}}
  services:
    shop: {{loadBalancer: {{servers: [{{url: "{one.url}"}}, {{url: "{two.url}"}}]}}}}
    canary: {{loadBalancer: {{servers: [{{url: "{one.url}"}}]}}}}
    both: {{weighted: {{services: [{{name: shop, weight: 3}}, {{name: canary, weight: 1}}]}}}}
"""
        )
        flags = ("--workers=2", f"--providers.file.filename={directory}/routes.yml")
        running = start(processes, *flags, directory=directory)
        running.wait_for("shop.test", "/x")
        running.wait_for_workers(2)
        yield running
        log = running.process.log
        processes.stop()
    assert "Traceback" not in log, log


@pytest.fixture(scope="module")
def large() -> Iterator[Proxy]:
    """Ten thousand routers."""
    with TemporaryDirectory(prefix="rp-") as name, Store(Path(name)) as store:
        published(store)
        with running_proxy(Path(name), store) as proxy:
            until(lambda: proxy.status("r1.test") == 502, "the routers in force")
            yield proxy


@contextmanager
def load(port: int, *requests: tuple[str, str]) -> Iterator[None]:
    """Send these requests (host and path) in a loop."""
    ended = threading.Event()

    def send() -> None:
        for host, path in cycle(requests):
            if ended.is_set():
                return
            http.request(port, host, path)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def dashboard(port: int) -> str:
    return f"http://127.0.0.1:{port}/dashboard/"


def rows(page: Page) -> Locator:
    return page.locator("#part-routes tbody tr")


def kind(page: Page, name: str) -> Locator:
    """Return the radio button that selects a list or a sort of problems."""
    return page.get_by_role("radio", name=name, exact=True)


def until_busy(element: Locator) -> None:
    expect(element.locator(".rate b").first).not_to_have_text(re.compile("^(0|\N{EN DASH})$"))


def test_figures_follow_the_requests(small: Installation, browser: Browser) -> None:
    with open_page(browser, dashboard(small.admin)) as page:
        expect(page.locator("#live-status")).to_have_attribute("data-state", "on")
        expect(page.locator("#live-status-text")).to_contain_text("2 workers, 1 instance")
        with load(small.web, ("shop.test", "/x"), ("shop.test", "/api"), ("shop.test", "/nothing")):
            for key in ("r:shop@file", "r:api@file"):
                until_busy(page.locator(f'#part-routes [data-key="{key}"]'))
            # The shown router, its entry point and its service.
            for key in ("e:web", "r:api@file", "s:both@file"):
                until_busy(page.locator(f'#part-flow [data-key="{key}"]'))
            expect(page.locator("#busiest-list li")).to_have_count(2)
            expect(page.locator(".tile [data-slot=p95]")).to_contain_text(re.compile("ms|s"))
            bar = page.locator(".tile [data-slot=classes]")
            expect(bar).to_have_attribute("title", re.compile("2xx .* %, 4xx .* %"))
            expect(page.locator(".unmatched-note [data-slot=rate]")).not_to_have_text("0")
            shares = page.locator("[data-slot=legend] dd")
            expect(shares.first).to_have_text(re.compile(r"^6\d"))
        expect(page.locator(".wide [data-slot=rate]")).to_have_text("0")


def test_figures_of_servers_change_in_the_flow_and_in_the_list(small: Installation, browser: Browser) -> None:
    requests = (("shop.test", "/api"), ("shop.test", "/x"))
    with open_page(browser, f"{dashboard(small.admin)}?router=api%40file&kind=service") as page:
        with load(small.web, *requests):
            for part, count in (("#part-flow", 3), ("#part-routes", 3)):
                servers = page.locator(f'{part} [data-key^="server:"]')
                expect(servers).to_have_count(count)
                for index in range(count):
                    server = servers.nth(index)
                    until_busy(server)
                    expect(server.locator("[data-slot=p95]")).to_have_text(re.compile("s$"))
                    expect(server.locator("[data-slot=classes]")).to_have_attribute("title", "2xx 100 %")
            median = page.locator("#part-flow .target [data-slot=p50]").first
            expect(median).to_have_text(re.compile("s$"))
            row = page.locator('#part-routes tr[data-key="s:shop@file"]')
            expect(row.locator('[data-key^="server:"]')).to_have_count(2)
            # No router uses this service directly.
            member = page.locator('#part-routes tr[data-key="s:canary@file"]')
            expect(member.locator(".figures")).to_have_count(1)
            assert accessibility_violations(page) == []
        for server in page.locator('[data-key^="server:"]').all():
            expect(server.locator("[data-slot=rate]")).to_have_text("0")


def test_responses_without_a_server_do_not_count_for_servers(small: Installation, browser: Browser) -> None:
    address = f"{dashboard(small.admin)}?router=shop%40file"
    with open_page(browser, address) as page, load(small.web, ("shop.test", "/nothing")):
        expect(page.locator(".unmatched-note [data-slot=rate]")).not_to_have_text("0")
        for server in page.locator("#part-flow .target").all():
            expect(server.locator("[data-slot=rate]")).to_have_text("0")
            expect(server.locator("[data-slot=p95]")).to_have_text("\N{EN DASH}")


def test_refusals_of_middlewares_are_shown_in_the_list_and_in_the_flow(
    small: Installation, browser: Browser
) -> None:
    address = f"{dashboard(small.admin)}?router=office%40file&kind=middleware"
    with open_page(browser, address) as page:
        with load(small.web, ("office.test", "/"), ("shop.test", "/x")):
            for part in ("#part-routes", "#part-flow"):
                until_busy(page.locator(f'{part} [data-key="m:office@file"]'))
            idle = page.locator('#part-routes [data-key="m:strip@file"] [data-slot=rate]')
            expect(idle).to_have_text("0")
            assert accessibility_violations(page) == []
        expect(page.locator('#part-routes [data-key="m:office@file"] [data-slot=rate]')).to_have_text("0")


def test_the_request_flow_of_the_chosen_router_is_shown(small: Installation, browser: Browser) -> None:
    with open_page(browser, dashboard(small.admin)) as page:
        flow = page.locator("#part-flow")
        expect(flow).to_contain_text("weight 3")
        page.get_by_role("link", name="shop@file").first.click()
        expect(flow.locator(".middleware")).to_contain_text(["tries@file", "strip@file"])
        expect(flow.locator(".target")).to_have_count(2)
        assert "router=shop%40file" in page.url
        page.reload()
        expect(flow.locator(".node.router")).to_contain_text("shop@file")


def test_a_request_is_explained(small: Installation, browser: Browser) -> None:
    with open_page(browser, dashboard(small.admin)) as page:
        page.get_by_label("Address", exact=True).fill("http://shop.test/x/1")
        page.keyboard.press("Enter")
        result = page.locator("#explained")
        expect(result.locator(".outcome")).to_contain_text("router shop@file, service shop@file")
        expect(result).to_contain_text("strip@file changes the path and query to /1")
        page.get_by_label("Address", exact=True).fill("http://office.test/")
        page.get_by_label("The client's address").fill("10.0.0.1")
        page.get_by_role("button", name="Explain").click()
        expect(result.locator(".outcome")).to_contain_text("403: middleware office@file refuses the address")
        expect(result).to_contain_text('sourceRange=["192.0.2.0/24"]')
        page.get_by_label("Address", exact=True).fill("http://shop.test/y")
        page.get_by_role("button", name="Explain").click()
        expect(result.locator(".outcome")).to_contain_text("404: no router's rule matches")
        expect(result).to_contain_text("does not match: PathPrefix(`/x`)")


def test_problems_are_shown_with_hints(small: Installation, browser: Browser) -> None:
    with open_page(browser, dashboard(small.admin)) as page:
        found = page.locator(".problems li")
        expect(found).to_contain_text(["lost@file"])
        expect(found).to_contain_text(["did you mean"])
        kind(page, "Warnings 0").click()
        expect(found).to_have_text("No matching problems.")
        kind(page, "Errors 1").click()
        expect(found).to_contain_text(["lost@file"])


def test_unrouted_containers_are_listed_with_the_reason(
    engine: Engine,
    whoami: Callable[..., Container],
    installation: Callable[..., Installation],
    browser: Browser,
) -> None:
    whoami(name="lonely", network_mode="none", labels={"traefik.frontend.rule": "Host:lonely.test"})
    # The test needs only the engine's socket; no request has to reach the container.
    running = installation("--workers=1", f"--providers.docker.endpoint={engine.socket_url}")
    until(lambda: running.api("/api/diagnostics?unrouted=true"), "the container's diagnostic")
    with open_page(browser, dashboard(running.admin)) as page:
        page.get_by_role("link", name="why").click()
        result = page.locator(".problems li").filter(has_text="container lonely")
        expect(result).to_contain_text("not routed: it has no address")


def test_ten_thousand_routers_are_searched(large: Proxy, browser: Browser) -> None:
    with open_page(browser, dashboard(large.admin)) as page:
        expect(page.locator("#part-overview")).to_contain_text("10,000")
        expect(rows(page)).to_have_count(25)
        page.keyboard.press("/")
        expect(page.locator("#search")).to_be_focused()
        page.keyboard.type("r9999")
        expect(rows(page)).to_have_count(1)
        expect(rows(page)).to_contain_text("r9999@docker")
        page.locator("#search").fill("nothing of that name")
        expect(page.locator("#part-routes")).to_contain_text("No matches")
        page.locator("#search").fill("")
        page.get_by_label("Status", exact=True).select_option("warning")
        pages = page.get_by_role("navigation", name="Pages of routes")
        expect(pages).to_contain_text("1\N{EN DASH}25 of 1,000")
        pages.get_by_role("button", name="Next").click()
        expect(pages).to_contain_text("26\N{EN DASH}50 of 1,000")
        kind(page, "Services").click()
        expect(rows(page).first).to_contain_text("127.0.0.1:1")


def test_figures_of_ten_thousand_routers(large: Proxy, browser: Browser) -> None:
    with open_page(browser, dashboard(large.admin)) as page, load(large.web, ("r9999.test", "/")):
        page.locator("#search").fill("r9999")
        until_busy(page.locator('#part-routes [data-key="r:r9999@docker"]'))
        expect(page.locator("#busiest-list li")).to_contain_text(["r9999@docker"])


def test_figures_of_a_server_among_those_of_ten_thousand_routers(large: Proxy, browser: Browser) -> None:
    key = '[data-key="server:r9998@docker http://127.0.0.1:1"]'
    address = f"{dashboard(large.admin)}?router=r9998%40docker&kind=service&search=r9998"
    with open_page(browser, address) as page, load(large.web, ("r9998.test", "/")):
        for part in ("#part-flow", "#part-routes"):
            until_busy(page.locator(f"{part} {key}"))
            bar = page.locator(f"{part} {key} [data-slot=classes]")
            expect(bar).to_have_attribute("title", "5xx 100 %")


def test_the_page_follows_the_system_theme_or_the_switch(small: Installation, browser: Browser) -> None:
    def ground(page: Page) -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    with open_page(browser, dashboard(small.admin)) as page:
        light = ground(page)
    with open_page(browser, dashboard(small.admin), scheme="dark") as page:
        dark = ground(page)
        assert dark != light
        page.get_by_role("button", name="Theme: system").click()
        page.reload()
        assert ground(page) == light
        page.get_by_role("button", name="Theme: light").click()
        page.get_by_role("button", name="Theme: dark").click()
        assert ground(page) == dark


def test_a_phone_shows_the_whole_width(small: Installation, browser: Browser) -> None:
    with open_page(browser, dashboard(small.admin), PHONE) as page:
        page.get_by_label("Address", exact=True).fill("http://shop.test/" + "long" * 30)
        page.get_by_role("button", name="Explain").click()
        expect(page.locator(".outcome")).to_be_visible()
        for name in ("Services", "Middlewares", "Routers"):
            kind(page, name).click()
            expect(page.locator("#part-routes caption")).to_have_text(name)
            assert page.evaluate("document.documentElement.scrollWidth") == PHONE[0]


@pytest.mark.parametrize("width", [320, 600, 820, 1024, 1200])
def test_tables_fit_at_any_width(small: Installation, browser: Browser, width: int) -> None:
    with open_page(browser, dashboard(small.admin), (width, 900)) as page:
        for name in ("Services", "Middlewares", "Routers"):
            kind(page, name).click()
            expect(page.locator("#part-routes caption")).to_have_text(name)
            assert page.evaluate("document.documentElement.scrollWidth") == width
            assert page.evaluate(OVERFLOWING) == 0


def test_the_keyboard_reaches_everything_in_page_order(small: Installation, browser: Browser) -> None:
    with open_page(browser, dashboard(small.admin)) as page:
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the routes")).to_be_in_viewport()
        reached = []
        # With three routers and no requests, the page has fewer than 40 stops.
        for _ in range(40):
            reached.append(page.evaluate("document.activeElement.textContent || document.activeElement.name"))
            assert page.evaluate(OUTLINE) == "solid", reached
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement === document.body"):
                break
        named = [
            "Skip to the routes",
            "Routes",
            "Theme: system",
            "search",
            "lost@file",
            "url",
            "Explain",
            "API",
        ]
        positions = [
            next(index for index, name in enumerate(reached) if name.strip() == each) for each in named[:3]
        ]
        positions += [reached.index(each, positions[-1]) for each in named[3:]]
        assert positions == sorted(positions)
        page.keyboard.press("/")
        page.keyboard.type("shop")
        page.keyboard.press("Escape")
        expect(page.locator("#search")).not_to_be_focused()


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (DESKTOP, "dark"), (PHONE, "dark")])
def test_the_page_is_accessible(
    small: Installation, browser: Browser, size: tuple[int, int], scheme: Scheme
) -> None:
    # axe-core injects scripts into the page, which the content security policy would block otherwise.
    with open_page(browser, dashboard(small.admin), size, scheme) as page:
        page.get_by_label("Address", exact=True).fill("http://shop.test/y")
        page.get_by_role("button", name="Explain").click()
        expect(page.locator(".outcome")).to_be_visible()
        assert accessibility_violations(page) == []


def test_certificates_are_listed_and_shown_at_their_routers(
    store: Store, short_path: Path, browser: Browser
) -> None:
    now = time.time()
    valid = make_certificate(
        "1@file", "shop.test", not_before=now - 5, not_after=now + 9e6, source="shop.pem"
    )
    old = make_certificate("2@acme", "old.test", not_after=now - 5, issuer="Some CA", resolver="le")
    state = AcmeState("le", TlsDomain("old.test"), failures=2, error="no address", hint="add a record")
    with running_proxy(short_path, store) as proxy, connect(store.url) as client:
        client.hset(Keys().acme_states, certificate_id("le", state.domain), msgspec.json.encode(state))
        proxy.certificates.update({"1@file": valid, "2@acme": old})
        proxy.route(1, rule="Host(`shop.test`) || Host(`none.test`)", tls=True, cert_resolver="le")
        address = f"{dashboard(proxy.admin)}?router=t1"
        with open_page(browser, address) as page:
            flow = page.locator("#part-flow .node.router")
            expect(flow).to_contain_text("TLS options default \N{MIDDLE DOT} resolver le")
            expect(flow.locator(".hosts li").nth(0)).to_contain_text("shop.test gets shop.test until 2")
            expect(flow.locator(".hosts li").nth(1)).to_have_text(
                "none.test has no certificate: browsers warn"
            )
            page.get_by_role("link", name="1 expired or failed").click()
            expect(page.locator("#part-routes caption")).to_have_text("Certificates")
            expect(rows(page)).to_have_count(1)
            expect(rows(page)).to_contain_text("resolver le could not obtain it: no address; add a record")
            page.get_by_label("Status", exact=True).select_option("")
            expect(rows(page)).to_have_count(2)
            expect(rows(page).filter(has_text="shop.pem").locator(".pick")).to_have_text("t1")
            page.get_by_label("Address", exact=True).fill(f"https://none.test:{proxy.web}/")
            page.get_by_role("button", name="Explain").click()
            expect(page.locator("#explained")).to_contain_text("there is no certificate for this name")
            assert accessibility_violations(page) == []
        with open_page(browser, f"{address}&kind=certificate", PHONE, "dark") as page:
            expect(rows(page)).to_have_count(2)
            assert page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
            assert accessibility_violations(page) == []


def test_only_our_own_script_runs(small: Installation) -> None:
    for path in ("/dashboard/", "/dashboard/part/routes", "/dashboard/static/dashboard.js"):
        policy = str(http.request(small.admin, "localhost", path).header("Content-Security-Policy"))
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy


def test_the_page_can_be_read_and_searched_without_javascript(large: Proxy) -> None:
    text = http.request(large.admin, "localhost", "/dashboard/?search=r9999&router=r77%40docker").text
    assert "r9999@docker" in text
    assert "Host(`r77.test`)" in text
    assert "r1@docker" not in text.partition('id="part-routes"')[2].partition('id="problems"')[0]


def test_pages_can_be_selected_without_javascript(large: Proxy, browser: Browser) -> None:
    with open_page(browser, dashboard(large.admin), script=False) as page:
        routes = page.get_by_role("navigation", name="Pages of routes")
        routes.get_by_role("button", name="Next").click()
        expect(routes).to_contain_text("26\N{EN DASH}50 of 10,000")
        page.get_by_label("Status", exact=True).select_option("warning")
        page.get_by_role("button", name="Show").first.click()
        expect(routes).to_contain_text("1\N{EN DASH}25 of 1,000")
        found = page.get_by_role("navigation", name="Pages of problems")
        found.get_by_role("button", name="Next").click()
        expect(found).to_contain_text("11\N{EN DASH}20 of")
        page.get_by_label("Search in problems").last.fill("router r9990@docker")
        page.get_by_role("button", name="Show").last.click()
        expect(page.locator(".problems li")).to_have_count(1)
