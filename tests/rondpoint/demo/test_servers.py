from rondpoint.demo.__main__ import configuration
from rondpoint.demo.servers import NAMES, DemoServer, Whoami, run_servers
from tests.lab import http
from tests.lab.namespace import connect


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def test_each_server_responds_with_its_name_and_the_request() -> None:
    with run_servers() as urls:
        responses = [
            http.request(port_of(url), "h.test", "/p?q=1", headers={"X-A": "b"}).text for url in urls
        ]
    assert [response.splitlines()[0] for response in responses] == [f"Name: {name}" for name in NAMES]
    assert responses[0].splitlines()[1:4] == ["GET /p?q=1 HTTP/1.1", "Host: h.test", "X-A: b"]


def test_a_connection_serves_many_requests_with_and_without_bodies() -> None:
    with run_servers() as urls, connect("127.0.0.1", port_of(urls[0])) as connection:
        for method, body in [("POST", b"x" * 100_000), ("HEAD", b""), ("DELETE", b""), ("GET", b"")]:
            connection.sendall(http.message("h.test", method=method, body=body))
            assert http.read_response(connection, method).status == 200


def test_a_connection_ends_after_a_body_of_unread_length() -> None:
    chunked = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
    with run_servers() as urls:
        assert http.parse(http.raw(port_of(urls[0]), chunked)).header("Connection") == "close"


def test_the_configuration_routes_one_host_to_all_servers() -> None:
    text = configuration(["http://127.0.0.1:1", "http://127.0.0.1:2"])
    assert "Host(`whoami.localhost`)" in text
    assert text.count("url: http://127.0.0.1:") == 2


def test_a_server_listens_on_loopback_only() -> None:
    with DemoServer("one") as server:
        assert server.server_address[0] == "127.0.0.1"
        assert server.RequestHandlerClass is Whoami
