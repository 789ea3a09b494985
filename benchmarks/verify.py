"""Checks a proxy before it is measured: it is ready, routes, balances, and does what its scenario says."""

from __future__ import annotations

import gzip
import ssl
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPSConnection

from benchmarks import features
from benchmarks.errors import BenchmarkError
from benchmarks.origin import CUSTOM_PATH, FORWARDED_PATH, body
from benchmarks.peers.peer import HOST
from benchmarks.processes import RunningProgram
from benchmarks.resumption import verify_resumption
from benchmarks.scenarios import SCENARIOS, Scenario
from tests.lab.http2.client import Client
from tests.lab.http2.peer import Stream

READY_SECONDS = 30.0
REQUESTS_PER_SERVER = 20
# Strict round robin gives 20 each; a proxy may begin at any server.
MIN_REQUESTS = 15

Got = tuple[int, HTTPMessage, bytes]


def fetch(
    connection: HTTPConnection | Client,
    path: str,
    scenario: Scenario,
    host: str = HOST,
    content: bytes = b"",
) -> Got:
    """Send a GET, or a POST of `content`; return the status, the headers and the whole body."""
    method = "POST" if content else "GET"
    headers = {"Accept-Encoding": "identity", **scenario.headers}
    if isinstance(connection, Client):
        fields = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        stream = connection.request(
            path.encode(),
            method=method.encode(),
            authority=host.encode(),
            fields=fields,
            content=content or None,
        )
        return _over_http2(connection.wait_for(stream))
    connection.request(method, path, content or None, {"Host": host, **headers})
    response = connection.getresponse()
    return response.status, response.headers, response.read()


def _over_http2(stream: Stream) -> Got:
    if not stream.ended:
        raise BenchmarkError(f"a stream was reset with code {stream.reset}")
    headers = HTTPMessage()
    for name, value in stream.final.items():
        headers[name.decode()] = value.decode("latin-1")
    if headers["content-type"] == "application/grpc" and (b"grpc-status", b"0") not in stream.trailers:
        raise BenchmarkError(f"a call ended without grpc-status 0: {stream.trailers}")
    return stream.status, headers, bytes(stream.content)


def wait_until_ready(proxy: RunningProgram, port: int, scenario: Scenario = SCENARIOS["small"]) -> float:
    """Wait for the first response of the scenario's status; return the seconds waited.

    Raises BenchmarkError after a time limit.
    """
    began = time.monotonic()
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            if fetch(connection, "/", scenario)[0] == scenario.status:
                return time.monotonic() - began
        except (OSError, HTTPException):
            pass  # Not listening yet.
        finally:
            connection.close()
        proxy.require_alive()
        if time.monotonic() - began > READY_SECONDS:
            raise BenchmarkError(
                f"no {scenario.status} from port {port} within {READY_SECONDS:.0f} s:\n{proxy.tail()}"
            )
        time.sleep(0.02)


def verify(port: int, servers: int, scenario: Scenario) -> None:
    """Check balancing, routing, headers and the feature. Raises BenchmarkError that names the error."""
    if scenario.tcp:
        # The proxy knows of connections alone.
        _verify_balance(_on_new_connections(port, servers, scenario), servers, scenario)
        return
    with _connected(port, scenario) as connection:
        # Not a call: Rondpoint responds to one with a status of gRPC.
        status = fetch(connection, "/", SCENARIOS["small"], "other.test")[0]
        if status != 404:
            raise BenchmarkError(f"a host without a router got {status}, not 404")
        if not scenario.forwarded:
            _verify_redirection(fetch(connection, scenario.path, scenario), scenario)
            return
        seen = fetch(connection, FORWARDED_PATH, scenario)[2]
        if scenario.feature is features.AUTH:
            _verify_refusal(fetch(connection, "/", SCENARIOS["small"]))
        if scenario.feature is features.HEADERS:
            _verify_headers(fetch(connection, CUSTOM_PATH, scenario))
    expected = f"{HOST}|127.0.0.1|{'https' if scenario.tls else 'http'}|{HOST}|127.0.0.1"
    if seen.decode() != expected:
        raise BenchmarkError(f"Host and X-Forwarded-* reached the server as {seen!r}, expected {expected!r}")
    _verify_balance(_on_one_connection(port, servers, scenario), servers, scenario)
    _verify_balance(_on_new_connections(port, servers, scenario), servers, scenario)
    if scenario.resumed:
        verify_resumption(port)


def _verify_redirection(got: Got, scenario: Scenario) -> None:
    location = got[1].get("Location")
    if (got[0], location) != (scenario.status, f"https://{HOST}{scenario.path}"):
        raise BenchmarkError(f"instead of a redirection to https: {got[0]} to {location!r}")


def _verify_refusal(got: Got) -> None:
    if got[0] != 401:
        raise BenchmarkError(f"a request without a password got {got[0]}, not 401")


def _verify_headers(got: Got) -> None:
    if got[2].decode() != "|".join(features.REQUEST_HEADERS.values()):
        raise BenchmarkError(f"the custom headers reached the server as {got[2]!r}")
    for name, value in features.RESPONSE_HEADERS.items():
        if got[1].get(name) != value:
            raise BenchmarkError(f"{name} reached the client as {got[1].get(name)!r}, expected {value!r}")


@contextmanager
def _connected(port: int, scenario: Scenario) -> Iterator[HTTPConnection | Client]:
    connection = _connect(port, scenario)
    with connection if isinstance(connection, Client) else closing(connection):
        yield connection


def _connect(port: int, scenario: Scenario) -> HTTPConnection | Client:
    if not scenario.tls:
        return _over_h2(port, None) if scenario.streams else HTTPConnection("127.0.0.1", port, timeout=5)
    # The certificate is self-signed and belongs to this run.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # So that the handshakes of all proxies are alike.
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    if scenario.streams:
        context.set_alpn_protocols(["h2"])
        return _over_h2(port, context)
    return HTTPSConnection("127.0.0.1", port, timeout=5, context=context)


def _over_h2(port: int, context: ssl.SSLContext | None) -> Client:
    client = Client(port, tls=context, timeout=5)
    client.start()
    return client


def _on_one_connection(port: int, servers: int, scenario: Scenario) -> Iterable[Got]:
    with _connected(port, scenario) as connection:
        for _ in range(servers * REQUESTS_PER_SERVER):
            yield fetch(connection, scenario.path, scenario, content=scenario.content)


def _on_new_connections(port: int, servers: int, scenario: Scenario) -> Iterable[Got]:
    for _ in range(servers * REQUESTS_PER_SERVER):
        with _connected(port, scenario) as connection:
            yield fetch(connection, scenario.path, scenario, content=scenario.content)


def _verify_balance(responses: Iterable[Got], servers: int, scenario: Scenario) -> None:
    known = {body(number, scenario): number for number in range(servers)}
    shares = Counter[int]()
    for status, headers, content in responses:
        encoding = headers.get("Content-Encoding")
        if scenario.compressed and encoding != "gzip":
            raise BenchmarkError(f"GET {scenario.path} got the encoding {encoding!r}, not gzip")
        plain = gzip.decompress(content) if encoding == "gzip" else content
        if status != 200 or plain not in known:
            raise BenchmarkError(
                f"GET {scenario.path} got {status} with {len(content)} bytes: {content[:80]!r}"
            )
        shares[known[plain]] += 1
    if any(shares[number] < MIN_REQUESTS for number in range(servers)):
        raise BenchmarkError(f"the load is not balanced: requests per server {dict(shares)}")
