"""Clients of HTTP/2 as they are (curl, nghttp, h2load, Chromium), before servers of HTTP/1.1 and of h2c."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
import yaml
from playwright.sync_api import Browser, Page, expect

from tests.lab.browser import chromium, open_page
from tests.lab.echo import EchoServer
from tests.lab.http2 import frames
from tests.lab.http2.client import Client
from tests.lab.installation import start
from tests.lab.origin import Origin
from tests.lab.ports import free_port
from tests.lab.processes import Processes, descendants
from tests.lab.static_servers import Nghttpd, Nginx
from tests.lab.waiting import until
from tests.system.http2_origin import SCRIPTS, respond

LARGE = 50 << 20
MEDIUM = 1 << 20
SLOW_STREAM = 150_000
"""The bytes of memory that a slow stream may take."""
CONNECTIONS, STREAMS, SLOW = 100, 100, 20
"""Connections, the streams of each, and how many of those the client does not read."""

HOSTS = {"http/1.1": "files.test", "h2c": "h2c.test"}
"""The hosts whose servers have files, by the protocol that they speak."""

servers = pytest.mark.parametrize("host", list(HOSTS.values()), ids=list(HOSTS))
secure = pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])


class Site(NamedTuple):
    """A running proxy: its process, its ports, the origin of `app.test`, and files to send."""

    pid: int
    web: int
    websecure: int
    origin: Origin
    large: Path
    log: Path

    def curl(self, *arguments: str, host: str = "app.test", path: str = "/", tls: bool) -> str:
        """Return the output of curl for a request over HTTP/2."""
        port, scheme = (self.websecure, "https") if tls else (self.web, "http")
        return run(
            "curl",
            *("--silent", "--show-error", "--fail-with-body", "--insecure", "--max-time", "60"),
            "--http2" if tls else "--http2-prior-knowledge",
            *("--resolve", f"{host}:{port}:127.0.0.1"),
            *arguments,
            f"{scheme}://{host}:{port}{path}",
        )

    def nghttp(self, *arguments: str, host: str = "app.test", path: str = "/") -> str:
        """Return the output of nghttp for a request over TLS."""
        url = f"https://127.0.0.1:{self.websecure}{path}"
        return run(
            "nghttp", "--no-verify-peer", "--timeout=60", f"--header=:authority: {host}", *arguments, url
        )

    def logged(self, path: str) -> list[dict[str, Any]]:
        """Return the lines of the access log for this path."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in lines if line["RequestPath"] == path]

    def resident(self) -> int:
        """Return the bytes of resident memory of the proxy's processes."""
        pids = [self.pid, *descendants(self.pid)]
        return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) << 12 for pid in pids)


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, (command, done.returncode, done.stderr, done.stdout[-2000:])
    return done.stdout


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with TemporaryDirectory(prefix="rp-") as name, ExitStack() as stack:
        directory = Path(name)
        files = directory / "files"
        files.mkdir()
        (files / "index.html").write_text("here")
        (files / "medium").write_bytes(content(MEDIUM))
        (files / "large").write_bytes(content(LARGE))
        origin, nginx, nghttpd, echo = (
            stack.enter_context(server)
            for server in (Origin(respond), Nginx(files), Nghttpd(files), EchoServer())
        )
        urls = {
            "app.test": [origin.url],
            "files.test": [nginx.url],
            "h2c.test": [nghttpd.url],
            "both.test": [nginx.url, nghttpd.url],
            "localhost": [origin.url],
        }
        routers: dict[str, dict[str, Any]] = {
            host: {"rule": f"Host(`{host}`)", "service": host} for host in urls
        }
        routers["chat"] = {"rule": "Path(`/chat`)", "service": "chat", "priority": 1000}
        routers["dashboard"] = {
            "rule": "PathPrefix(`/dashboard`) || PathPrefix(`/static`) || PathPrefix(`/api`)",
            "service": "dashboard",
            "priority": 1000,
        }
        websecure, log = free_port(), directory / "access.log"
        routes = directory / "routes.yml"
        routes.write_text("{}")
        processes = Processes()
        stack.callback(processes.stop)
        # The dashboard is served through the proxy itself, whose admin entry point has no TLS.
        running = start(
            processes,
            "--workers=1",
            "--providers.docker=false",
            f"--providers.file.filename={routes}",
            f"--entryPoints.websecure.address=127.0.0.1:{websecure}",
            "--entryPoints.websecure.http.tls=true",
            "--entryPoints.web.asDefault=true",
            "--entryPoints.websecure.asDefault=true",
            f"--accessLog.filePath={log}",
            "--accessLog.format=json",
            directory=directory,
        )
        further = {
            "chat": [f"http://127.0.0.1:{echo.port}"],
            "dashboard": [f"http://127.0.0.1:{running.admin}"],
        }
        services = {
            name: {"loadBalancer": {"servers": [{"url": url} for url in servers]}}
            for name, servers in (urls | further).items()
        }
        routes.write_text(yaml.safe_dump({"http": {"routers": routers, "services": services}}))
        for host in urls:
            running.wait_for(host)
        yield Site(running.process.pid, running.web, websecure, origin, files / "large", log)


def content(size: int) -> bytes:
    return hashlib.shake_128(b"content").digest(size)


def digest(size: int) -> str:
    return hashlib.sha256(content(size)).hexdigest()


@secure
def test_curl_gets_an_answer_over_http2(site: Site, tls: bool) -> None:
    version = site.curl("--output", "/dev/null", "--write-out", "%{http_version} %{response_code}", tls=tls)
    assert version == "2 200"


@secure
def test_curl_uploads_fifty_megabytes_to_a_server_of_http1(site: Site, tls: bool) -> None:
    assert site.curl("--upload-file", str(site.large), tls=tls) == digest(LARGE)


def test_curl_uploads_content_of_unknown_length(site: Site) -> None:
    medium = str(site.large.with_name("medium"))
    assert site.curl("--upload-file", medium, "--header", "Content-Length:", tls=True) == digest(MEDIUM)
    assert site.origin.requests[-1].header("Transfer-Encoding") == "chunked"


def test_curl_gets_its_upload_back_from_a_server_of_h2c(site: Site, tmp_path: Path) -> None:
    back = tmp_path / "back"
    site.curl("--data-binary", f"@{site.large}", "--output", str(back), host="h2c.test", tls=True)
    assert hashlib.sha256(back.read_bytes()).hexdigest() == digest(LARGE)


@servers
def test_curl_downloads_fifty_megabytes(site: Site, host: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    site.curl("--output", str(file), host=host, path="/large", tls=True)
    assert hashlib.sha256(file.read_bytes()).hexdigest() == digest(LARGE)


@servers
def test_the_response_to_head_has_the_length_alone(site: Site, host: str) -> None:
    head = site.curl("--head", host=host, path="/large", tls=True)
    assert head.startswith("HTTP/2 200")
    assert f"content-length: {LARGE}\n" in head


def test_early_hints_pass(site: Site) -> None:
    heads = site.curl("--dump-header", "-", path="/hints", tls=True)
    assert re.match(r"HTTP/2 103 \nlink: </a\.css>; rel=preload\n\nHTTP/2 200 \n", heads), heads
    assert heads.endswith("hinted")


def test_nghttp_gets_a_page_and_its_scripts_over_one_connection(site: Site) -> None:
    statistics = site.nghttp("--get-assets", "--stat", "--null-out", path="/page")
    assert (
        len(re.findall(r" 200 +\d+\S* +/(?:page|script/\d+\.js)$", statistics, re.MULTILINE)) == SCRIPTS + 1
    )


def test_nghttp_uploads_padded_content_with_trailers_after_a_100(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(content(MEDIUM))
    before = len(site.origin.requests)
    found = site.nghttp(
        f"--data={file}",
        "--expect-continue",
        "--no-content-length",
        "--padding=200",
        "--window-bits=10",
        "--trailer=x-checksum: 1",
        "--header=te: trailers",
    )
    assert found.strip() == digest(MEDIUM)
    (request,) = site.origin.requests[before:]
    assert request.header("Transfer-Encoding") == "chunked"
    assert re.search(rb"\r\n0\r\nx-checksum: 1\r\n\r\n$", request.body, re.IGNORECASE)


def test_nghttp_sends_a_head_in_continuation_frames(site: Site) -> None:
    before = len(site.origin.requests)
    site.nghttp("--continuation", "--null-out")
    (request,) = site.origin.requests[before:]
    assert (
        sum(len(value) for name, value in request.headers if name.lower().startswith("continuation-test"))
        > 16_384
    )


@pytest.mark.parametrize(
    ("host", "tls"), [("files.test", True), ("h2c.test", False)], ids=["tls to http/1.1", "h2c to h2c"]
)
def test_h2load_loses_no_request(site: Site, host: str, tls: bool) -> None:
    port, scheme = (site.websecure, "https") if tls else (site.web, "http")
    output = run(
        "h2load",
        *("--clients=50", "--max-concurrent-streams=100", "--requests=5000"),
        f"--header=:authority: {host}",
        f"{scheme}://127.0.0.1:{port}/",
    )
    assert re.search(
        r"^requests: 5000 total, 5000 started, 5000 done, 5000 succeeded, 0 failed", output, re.M
    )
    assert f"Application protocol: {'h2' if tls else 'h2c'}" in output


def test_ten_thousand_streams_are_served_while_two_thousand_are_slow(site: Site) -> None:
    # Half of them go to a server of HTTP/1.1, half to one of h2c.
    before, authority = site.resident(), b"both.test"
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(site.web, grants=False)) for _ in range(CONNECTIONS)]
        for client in clients:
            # The first byte comes, the rest waits for the client.
            client.start((frames.INITIAL_WINDOW_SIZE, 1))
        slow = [
            [client.stream(client.request(b"/medium", authority=authority)) for _ in range(SLOW)]
            for client in clients
        ]
        for client, streams in zip(clients, slow, strict=True):
            assert client.wait(lambda s=streams: all(each.content for each in s)), client.told()
        # The other streams of the same connections are served meanwhile.
        fast = [
            [
                client.stream(client.request(method=b"HEAD", authority=authority))
                for _ in range(STREAMS - SLOW)
            ]
            for client in clients
        ]
        for client, streams in zip(clients, fast, strict=True):
            assert client.wait(lambda s=streams: all(each.ended for each in s)), client.told()
            assert {each.status for each in streams} == {200}
        # So is another client, at once.
        with Client(site.web) as other:
            other.start()
            began = time.monotonic()
            other.wait_for(other.request(authority=b"app.test"))
            assert time.monotonic() - began < 5
        assert {len(each.content) for streams in slow for each in streams} == {1}
        grown = (site.resident() - before) / CONNECTIONS / SLOW
        assert grown < SLOW_STREAM, f"{grown:,.0f} bytes for each slow stream"
        # Slow streams are whole in the end.
        client = clients[0]
        client.send(frames.window_update(0, SLOW * MEDIUM))
        for number in range(SLOW):
            client.send(frames.window_update(2 * number + 1, MEDIUM))
        assert client.wait(lambda: all(each.ended for each in slow[0])), client.told()
        assert all(each.content == content(MEDIUM) for each in slow[0])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def protocols(page: Page) -> list[str]:
    """Return the protocols of the page and of everything that it has loaded, by ALPN name."""
    found: list[str] = page.evaluate(
        """[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
        .map((entry) => entry.nextHopProtocol)"""
    )
    return found


def test_chromium_loads_a_page_of_a_hundred_scripts_over_one_connection(site: Site, browser: Browser) -> None:
    url = f"https://localhost:{site.websecure}/page"
    with open_page(browser, url, ignore_certificate=True) as page:
        page.wait_for_function(f"window.scripts === {SCRIPTS}")
        assert protocols(page) == ["h2"] * (SCRIPTS + 1)


def test_chromium_opens_a_websocket_on_its_connection_of_http2(site: Site, browser: Browser) -> None:
    url = f"https://localhost:{site.websecure}/page"
    with open_page(browser, url, ignore_certificate=True) as page:
        echo = page.evaluate(
            """() => new Promise((resolve, reject) => {
                const socket = new WebSocket(`wss://${location.host}/chat`);
                socket.onopen = () => socket.send("over HTTP/2");
                socket.onmessage = (message) => { socket.close(); resolve(message.data); };
                socket.onerror = () => reject(new Error("the WebSocket failed"));
            })"""
        )
    assert echo == "over HTTP/2"
    until(lambda: "HTTP/2.0" in {line["RequestProtocol"] for line in site.logged("/chat")}, "its log line")


def test_the_dashboard_is_live_over_http2(site: Site, browser: Browser) -> None:
    url = f"https://localhost:{site.websecure}/dashboard/"
    with open_page(browser, url, ignore_certificate=True) as page:
        # Server-sent events have come.
        expect(page.locator("#live-status")).to_have_attribute("data-state", "on")
        assert set(protocols(page)) == {"h2"}
