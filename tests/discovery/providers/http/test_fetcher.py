"""The requests of the HTTP provider: conditions, redirects, limits, and faults with their reasons."""

from __future__ import annotations

import gzip
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from discovery.http_client.client import HttpClient
from discovery.http_client.errors import HttpError
from discovery.providers.http.fetcher import MAX_REQUESTS, Fetcher
from rondpoint.settings import ClientTls, HttpProviderOptions
from tests.lab.certificate import write_certificate
from tests.lab.configuration_server import Answer, ConfigurationServer
from tests.lab.ports import free_port

BODY = b"http: {}\n"


@pytest.fixture
def server() -> Iterator[ConfigurationServer]:
    with ConfigurationServer() as running:
        running.answers["/routes"] = Answer(BODY)
        yield running


def fetch(url: str, times: int = 1, **options: Any) -> list[bytes | None]:
    """Fetch this URL several times with one client."""
    settings = HttpProviderOptions(endpoint=url, **options)
    with closing(HttpClient(settings.endpoint_name, settings.tls)) as client:
        fetcher = Fetcher(settings)
        return [fetcher.fetch(client) for _ in range(times)]


def test_an_unchanged_body_with_an_etag_is_not_sent_again(server: ConfigurationServer) -> None:
    server.answers["/routes"] = Answer(BODY, tagged=True)
    assert fetch(f"{server.url}/routes", 3) == [BODY, None, None]
    assert [each.status for each in server.received] == [200, 304, 304]


@pytest.mark.parametrize(
    ("seconds_ago", "conditional"),
    [(0, False), (3600, True), (-3600, False)],
    ids=["now", "earlier", "later"],
)
def test_only_a_change_before_this_second_makes_requests_conditional(
    server: ConfigurationServer, seconds_ago: int, conditional: bool
) -> None:
    changed = formatdate(time.time() - seconds_ago, usegmt=True)
    server.answers["/routes"] = Answer(BODY, headers={"Last-Modified": changed})
    fetch(f"{server.url}/routes", 2)
    expected = changed if conditional else None
    assert [each.headers.get("If-Modified-Since") for each in server.received] == [None, expected]


@pytest.mark.parametrize("date", ["yesterday", ""], ids=["no date", "empty"])
def test_an_unreadable_time_of_the_last_change_is_ignored(server: ConfigurationServer, date: str) -> None:
    server.answers["/routes"] = Answer(BODY, headers={"Last-Modified": date})
    assert fetch(f"{server.url}/routes", 2) == [BODY, BODY]


def test_conditions_go_only_to_the_url_whose_body_is_known(server: ConfigurationServer) -> None:
    targets = iter(("/routes", "/other"))
    server.answers["/"] = lambda: Answer(status=302, headers={"Location": next(targets)})
    server.answers["/routes"] = server.answers["/other"] = Answer(BODY, tagged=True)
    assert fetch(f"{server.url}/", 2) == [BODY, BODY]
    assert all("If-None-Match" not in each.headers for each in server.received)


def test_a_header_of_the_user_replaces_a_condition(server: ConfigurationServer) -> None:
    server.answers["/routes"] = Answer(BODY, tagged=True)
    fetch(f"{server.url}/routes", 2, headers={"If-None-Match": "mine"})
    assert [each.headers["If-None-Match"] for each in server.received] == ["mine", "mine"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(server: ConfigurationServer, status: int) -> None:
    server.answers["/"] = Answer(status=status, headers={"Location": "/routes"})
    assert fetch(f"{server.url}/") == [BODY]


def test_headers_and_credentials_are_sent(server: ConfigurationServer) -> None:
    url = server.url.replace("http://", "http://user:pass%20word@")
    fetch(f"{url}/routes", headers={"Host": "config.test", "X-Name": "Zoë"})
    (request,) = server.received
    assert request.headers["Host"] == "config.test"
    assert request.headers["Authorization"] == "Basic dXNlcjpwYXNzIHdvcmQ="
    assert request.headers["X-Name"].encode("latin-1").decode() == "Zoë"


def test_a_redirect_keeps_headers_on_the_same_host(server: ConfigurationServer) -> None:
    server.answers["/"] = Answer(status=302, headers={"Location": "/routes"})
    fetch(f"{server.url}/", headers={"Host": "config.test", "Authorization": "Bearer x"})
    last = server.received[-1].headers
    assert (last["Host"], last["Authorization"]) == ("config.test", "Bearer x")


def test_a_redirect_to_another_host_drops_host_and_credentials(server: ConfigurationServer) -> None:
    other = server.url.replace("127.0.0.1", "localhost")
    server.answers["/"] = Answer(status=302, headers={"Location": f"{other}/routes"})
    fetch(f"{server.url}/", headers={"Host": "config.test", "Authorization": "Bearer x", "X-Own": "1"})
    last = server.received[-1].headers
    assert last["Host"] == other.removeprefix("http://")
    assert "Authorization" not in last
    assert last["X-Own"] == "1"


def test_a_compressed_body_is_decompressed(server: ConfigurationServer) -> None:
    server.answers["/routes"] = Answer(gzip.compress(BODY), headers={"Content-Encoding": "gzip"})
    assert fetch(f"{server.url}/routes", max_response_body_size=len(BODY)) == [BODY]


def test_one_connection_serves_all_requests(server: ConfigurationServer) -> None:
    accepted: set[Any] = set()
    original = server.respond

    def respond(request: Any, answer: Answer) -> None:
        accepted.add(request.client_address)
        original(request, answer)

    server.respond = respond  # type: ignore[method-assign]
    server.answers["/routes"] = Answer(BODY, tagged=True)
    fetch(f"{server.url}/routes", 4)
    assert len(accepted) == 1


ANSWERS_AND_FAULTS = {
    "status 500": (Answer(BODY, status=500), "responds with status 500"),
    "status 204": (Answer(status=204), "responds with status 204"),
    "a 304 without a condition": (Answer(status=304), "responds with status 304"),
    "a redirect without a location": (Answer(status=302), "responds with status 302"),
    "a redirect to itself": (
        Answer(status=302, headers={"Location": "/routes"}),
        f"redirects more than {MAX_REQUESTS - 1} times",
    ),
    "a redirect to a file": (
        Answer(status=302, headers={"Location": "file:///etc/passwd"}),
        "a redirect leads to 'file:///etc/passwd'",
    ),
    "a redirect to a broken URL": (
        Answer(status=302, headers={"Location": "http://[x"}),
        "a redirect leads to 'http://[x'",
    ),
    "a body above the limit": (Answer(b"#" * 101), "has more than 100 bytes"),
    "a bomb": (
        Answer(gzip.compress(b"#" * 10_000), headers={"Content-Encoding": "gzip"}),
        "has more than 100 bytes",
    ),
    "a body that ends early": (
        Answer(BODY, headers={"Content-Length": "50", "Connection": "close"}),
        "cannot be reached",
    ),
    "a body that is not gzip": (Answer(BODY, headers={"Content-Encoding": "gzip"}), "cannot be reached"),
}


@pytest.mark.parametrize(("answer", "fault"), ANSWERS_AND_FAULTS.values(), ids=ANSWERS_AND_FAULTS)
def test_a_bad_response_is_a_fault(server: ConfigurationServer, answer: Answer, fault: str) -> None:
    server.answers["/routes"] = answer
    with pytest.raises(HttpError, match=re.escape(fault)):
        fetch(f"{server.url}/routes", max_response_body_size=100, poll_timeout=1)


def test_a_refused_connection_is_a_fault() -> None:
    with pytest.raises(HttpError, match=r"endpoint http://127\.0\.0\.1:\d+/x cannot be reached: .*refused"):
        fetch(f"http://secret:word@127.0.0.1:{free_port()}/x?token=1")


@pytest.mark.parametrize("begin", [b"", b"HTTP/1.0 200 OK\r\n\r\nhttp: "], ids=["silent", "slow"])
def test_a_response_that_takes_too_long_is_a_fault(begin: bytes) -> None:
    ended = threading.Event()

    def respond(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(begin)
            # Each part comes in time; the whole does not.
            while not ended.wait(0.05):
                try:
                    connection.sendall(b" " if begin else b"")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=respond, args=(listener,), daemon=True).start()
        with pytest.raises(HttpError, match=r"does not respond (in time|within 0\.3 s)"):
            fetch(f"http://127.0.0.1:{listener.getsockname()[1]}/", poll_timeout=0.3)
    ended.set()


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_certificates_are_verified(tmp_path: Path) -> None:
    trusted, other = write_certificate(tmp_path / "a.pem"), write_certificate(tmp_path / "b.pem")
    with ConfigurationServer(certificate=trusted) as server:
        server.answers["/routes"] = Answer(BODY)
        url = f"{server.url}/routes"
        pem = trusted.read_text()
        certificate = pem[pem.index("-----BEGIN CERTIFICATE") :]
        assert fetch(url, tls=ClientTls(ca=str(trusted))) == [BODY]
        assert fetch(url, tls=ClientTls(ca=certificate)) == [BODY]
        assert fetch(url, tls=ClientTls(insecure_skip_verify=True)) == [BODY]
        for tls in (None, ClientTls(ca=str(other))):
            with pytest.raises(HttpError, match=r"no TLS with endpoint https://"):
                fetch(url, tls=tls)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"ca": "/missing.pem"}, "tls.ca /missing.pem cannot be used: No such file"),
        ({"cert": "/missing.pem"}, "tls.cert and tls.key belong together"),
        ({"cert": "/missing.pem", "key": "/missing.pem"}, "the client certificate /missing.pem or its key"),
        ({"cert": "-----BEGIN X", "key": "-----BEGIN Y"}, "the client certificate or its key cannot be used"),
    ],
    ids=["a missing authority", "a certificate without a key", "a missing certificate", "bad PEM text"],
)
def test_an_unusable_file_is_a_fault(options: dict[str, str], fault: str) -> None:
    with pytest.raises(HttpError, match=re.escape(fault)):
        HttpClient("endpoint x", ClientTls(**options))
