"""Tests of the provider that calls an HTTP server; the server is a stand-in."""

import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from discovery.acme.dns.errors import ConfigurationError, ProviderError, StoppedError
from tests.discovery.acme.dns.http_server import StandInHttpServer
from tests.discovery.acme.dns.providing import provider, record
from tests.lab.ports import free_port
from tests.lab.waiting import until

PASSWORD = "pass/word"


@pytest.fixture
def server() -> Iterator[StandInHttpServer]:
    with StandInHttpServer() as running:
        yield running


@pytest.mark.parametrize(
    ("mode", "body"),
    [
        ("", {"fqdn": "_acme-challenge.example.test.", "value": record().value}),
        ("RAW", {"domain": "example.test", "token": "token", "keyAuth": "token.thumbprint"}),
    ],
)
def test_records_are_posted_as_json(server: StandInHttpServer, mode: str, body: dict[str, str]) -> None:
    made = provider("httpreq", {"HTTPREQ_ENDPOINT": f"{server.url}/dns/", "HTTPREQ_MODE": mode})
    made.present(record())
    made.clean_up(record())
    assert [(each.method, each.path, each.body) for each in server.requests] == [
        ("POST", "/dns/present", body),
        ("POST", "/dns/cleanup", body),
    ]
    assert "authorization" not in server.requests[0].headers


def test_credentials_come_from_variables_alone(
    server: StandInHttpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    variables = {"HTTPREQ_ENDPOINT": server.url}
    provider("httpreq", variables).present(record())
    assert "authorization" not in server.requests[0].headers
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    variables |= {"HTTPREQ_USERNAME": "user", "HTTPREQ_PASSWORD_FILE": str(tmp_path / "password")}
    provider("httpreq", variables).present(record())
    basic = b64encode(f"user:{PASSWORD}".encode()).decode()
    assert server.requests[1].headers["authorization"] == f"Basic {basic}"


@pytest.mark.parametrize("status", [302, 307, 400, 401, 503])
def test_any_status_but_success_is_an_error_without_secrets(server: StandInHttpServer, status: int) -> None:
    server.answer = lambda _: (status, {"error": f"not with {PASSWORD}"})
    variables = {
        "HTTPREQ_ENDPOINT": server.url,
        "HTTPREQ_USERNAME": "user",
        "HTTPREQ_PASSWORD": PASSWORD,
    }
    with pytest.raises(ProviderError, match=rf'/present: status {status} {{"error": "not with \*\*\*"}}$'):
        provider("httpreq", variables).present(record())
    assert len(server.requests) == 1


def test_an_unreachable_server_is_an_error() -> None:
    port = free_port()
    with pytest.raises(ProviderError, match=rf"^POST http://127\.0\.0\.1:{port}/present failed: .*refused"):
        provider("httpreq", {"HTTPREQ_ENDPOINT": f"http://127.0.0.1:{port}"}).present(record())


def test_a_server_that_hangs_is_given_up(server: StandInHttpServer) -> None:
    server.hanging.set()
    variables = {"HTTPREQ_ENDPOINT": server.url, "HTTPREQ_HTTP_TIMEOUT": "1"}
    with pytest.raises(ProviderError, match=r"/present (failed: .*timed out|did not finish within 1 s)"):
        provider("httpreq", variables).present(record())


def test_a_request_ends_when_the_agent_stops(server: StandInHttpServer) -> None:
    server.hanging.set()
    stop = threading.Event()

    def stop_it() -> None:
        until(lambda: server.requests, "the request")
        stop.set()

    thread = threading.Thread(target=stop_it)
    thread.start()
    begin = time.monotonic()
    with pytest.raises(StoppedError, match=r"^POST .*/present was interrupted$"):
        provider("httpreq", {"HTTPREQ_ENDPOINT": server.url}, stop=stop).present(record())
    thread.join()
    assert time.monotonic() - begin < 20


@pytest.mark.parametrize("endpoint", ["", "example.test/dns", "ftp://example.test"])
def test_an_endpoint_that_is_no_url_is_an_error(endpoint: str) -> None:
    with pytest.raises(ConfigurationError, match=r"HTTPREQ_ENDPOINT is (not set|no URL)"):
        provider("httpreq", {"HTTPREQ_ENDPOINT": endpoint})
