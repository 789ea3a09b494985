"""How an engine is reached: TLS, HTTP basic authentication, and options that cannot work."""

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from discovery.providers.docker_engine.engine import Engine
from discovery.providers.errors import ProviderError
from rondpoint.settings import EngineOptions
from rondpoint.settings.tree.section import read_section
from tests.lab.certificate import write_certificate

SETTING = "providers.swarm.endpoint"


class StandIn(BaseHTTPRequestHandler):
    """A stand-in for an engine behind a proxy with a password: it knows its version."""

    seen: list[str]

    def do_GET(self) -> None:
        self.seen.append(self.headers.get("Authorization", ""))
        body = json.dumps({"ApiVersion": "1.44", "Version": "1"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        return


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[tuple[str, list[str], Path]]:
    """The address of a stand-in with TLS, the `Authorization` headers that it got, and its certificate."""
    certificate = write_certificate(tmp_path / "server.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    seen: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (StandIn,), {"seen": seen}))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"tcp://127.0.0.1:{server.server_port}", seen, certificate
    server.shutdown()
    server.server_close()
    thread.join()


def options(**given: Any) -> EngineOptions:
    return read_section(EngineOptions, given)


def test_tls_and_password(engine: tuple[str, list[str], Path]) -> None:
    endpoint, seen, certificate = engine
    tls = {"ca": str(certificate)}
    with Engine(options(endpoint=endpoint, tls=tls, username="me", password="secret"), SETTING):
        expected = base64.b64encode(b"me:secret").decode()
        assert seen == [f"Basic {expected}"]


@pytest.mark.filterwarnings("ignore:Unverified HTTPS")
def test_an_engine_with_an_unknown_certificate_is_not_trusted(engine: tuple[str, list[str], Path]) -> None:
    endpoint, seen, _ = engine
    with pytest.raises(ProviderError) as caught:
        Engine(options(endpoint=endpoint, tls={}), SETTING)
    assert "certificate verify failed" in caught.value.message
    assert "providers.swarm.tls.ca" in caught.value.hint
    assert seen == []
    with Engine(options(endpoint=endpoint, tls={"insecureSkipVerify": True}), SETTING):
        assert seen == [""]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"endpoint": "ssh://manager"}, "ssh is not served (open a tunnel"),
        (
            {"endpoint": "tcp://127.0.0.1:1", "tls": {"ca": "/missing.pem"}},
            "providers.swarm.tls.ca: /missing",
        ),
        ({"endpoint": "tcp://127.0.0.1:1", "tls": {"cert": __file__}}, "only one of cert and key"),
    ],
    ids=["ssh", "no file", "no key"],
)
def test_options_that_cannot_work_are_explained(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ProviderError) as caught:
        Engine(options(**given), SETTING)
    assert words in str(caught.value)
