import pytest

from discovery.health.check_request import CheckRequest, first_request, redirected_request
from rondpoint.model import HealthCheck, Server

SERVER = Server("s", "10.0.0.7", 8080)


def head(check: HealthCheck, server: Server = SERVER) -> list[str]:
    return first_request(server, check).head().decode().split("\r\n")


def test_a_check_without_options_requests_the_root() -> None:
    assert head(HealthCheck()) == [
        "GET / HTTP/1.1",
        "Host: 10.0.0.7:8080",
        "User-Agent: rondpoint",
        "Connection: close",
        "",
        "",
    ]


def test_options_change_destination_and_request() -> None:
    check = HealthCheck(
        "/up?deep=1",
        scheme="https",
        port=8443,
        hostname="app.test",
        method="POST",
        headers={"X-Probe": "yes", "user-agent": "me", "Host": "x", "Content-Length": "7"},
    )
    assert first_request(SERVER, check).address == ("10.0.0.7", 8443)
    assert first_request(SERVER, check).uses_tls
    assert head(check) == [
        "POST /up?deep=1 HTTP/1.1",
        "Host: app.test",
        "X-Probe: yes",
        "user-agent: me",
        "Content-Length: 0",
        "Connection: close",
        "",
        "",
    ]


@pytest.mark.parametrize(
    ("server", "host", "address"),
    [
        (Server("s", "10.0.0.7", 80), "10.0.0.7", ("10.0.0.7", 80)),
        (Server("s", "app.test", 443, "https"), "app.test", ("app.test", 443)),
        (Server("s", "fd00::7", 81), "[fd00::7]:81", ("fd00::7", 81)),
    ],
)
def test_the_host_header_is_the_servers_host(server: Server, host: str, address: tuple[str, int]) -> None:
    assert f"Host: {host}" in head(HealthCheck(), server)
    assert first_request(server, HealthCheck()).address == address


def test_a_path_outside_ascii_is_quoted() -> None:
    assert head(HealthCheck("/é%20?a=b&c"))[0] == "GET /%C3%A9%20?a=b&c HTTP/1.1"


@pytest.mark.parametrize(
    ("server", "check", "url", "http2"),
    [
        (SERVER, HealthCheck(), "http://10.0.0.7:8080/", False),
        (Server("s", "h", 81, "h2c"), HealthCheck(), "http://h:81/", True),
        (Server("s", "h", 81, "h2c"), HealthCheck(scheme="http"), "http://h:81/", False),
        (SERVER, HealthCheck(mode="grpc"), "http://10.0.0.7:8080/grpc.health.v1.Health/Check", True),
        (
            Server("s", "h", 443, "https"),
            HealthCheck("/up", mode="grpc", port=8443),
            "https://h:8443/grpc.health.v1.Health/Check",
            True,
        ),
    ],
    ids=["http", "h2c", "http for an h2c server", "grpc", "grpc over TLS"],
)
def test_the_scheme_and_the_mode_decide_about_the_protocol(
    server: Server, check: HealthCheck, url: str, http2: bool
) -> None:
    request = first_request(server, check)
    assert (request.url, request.http2) == (url, http2)


REQUEST = CheckRequest("http://10.0.0.7:8080/a/b", "POST", "app.test", {"X": "y", "Cookie": "c"})


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/c", "http://10.0.0.7:8080/c"),
        ("c?d", "http://10.0.0.7:8080/a/c?d"),
        ("http://10.0.0.7:8080/c", "http://10.0.0.7:8080/c"),
    ],
)
def test_a_redirect_to_the_same_server_keeps_its_host_and_headers(location: str, url: str) -> None:
    assert redirected_request(REQUEST, 307, location) == CheckRequest(
        url, "POST", "app.test", REQUEST.headers
    )


def test_a_redirect_to_another_server_drops_secret_headers() -> None:
    assert redirected_request(REQUEST, 308, "https://other.test/") == CheckRequest(
        "https://other.test/", "POST", "", {"X": "y"}
    )


@pytest.mark.parametrize(
    ("method", "status", "expected"),
    [("POST", 302, "GET"), ("POST", 307, "POST"), ("HEAD", 301, "HEAD"), ("GET", 303, "GET")],
)
def test_the_method_after_a_redirect(method: str, status: int, expected: str) -> None:
    found = redirected_request(CheckRequest("http://h/", method), status, "/x")
    assert found is not None
    assert found.method == expected


def test_a_location_outside_ascii_is_quoted() -> None:
    found = redirected_request(REQUEST, 302, "/é".encode().decode("latin-1"))
    assert found is not None
    assert found.head().startswith(b"GET /%C3%A9 HTTP/1.1\r\n")


@pytest.mark.parametrize("location", ["ftp://h/", "http://h:99999/", "http://h:0/", "http://[x/", "/a b"])
def test_a_redirect_to_an_unusable_location(location: str) -> None:
    assert redirected_request(REQUEST, 302, location) is None
