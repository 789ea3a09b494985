"""Targets and header lines of requests for error pages, without connections."""

import pytest

from proxy.http1.limits import Limits
from proxy.http1.request import Request, parse_request
from proxy.middlewares.failures.error_page_request import compile_lines, compile_target
from tests.proxy.middlewares.sender import Sender

CLAIMED = b"\r\nX-Forwarded-For: 192.0.2.1\r\nX-Real-Ip: 192.0.2.1"


def request_with(*lines: str, target: str = "/p?q=r") -> Request:
    head = "".join(f"{line}\r\n" for line in (f"GET {target} HTTP/1.1", "Host: a.test:81", *lines))
    request = parse_request(f"{head}\r\n".encode(), Limits())
    assert request is not None
    return request


@pytest.mark.parametrize(
    ("query", "target"),
    [
        ("", "/"),
        ("page", "/page"),
        ("/{status}.html", "/503.html"),
        ("//a", "//a"),
        ("/{status}/{originalStatus}/{status}", "/503/500/503"),
        ("/?{url}", "/?http%3A%2F%2Fa.test%3A81%2Fp%3Fq%3Dr"),
        ("/a b?c=d&e=%20#f{status}", "/a%20b?c=d&e=%20"),
        ("/caf\u00e9\r\nX: y", "/caf%C3%A9%0D%0AX:%20y"),
        ("/{other}{status", "/%7Bother%7D%7Bstatus"),
    ],
)
def test_the_target_follows_the_query(query: str, target: str) -> None:
    assert compile_target(query)(request_with(), Sender(), 503, 500) == target.encode()


@pytest.mark.parametrize(
    ("target", "tls", "url"),
    [
        ("/{status}", "", "http%3A%2F%2Fa.test%3A81%2F%7Bstatus%7D"),
        ("/a%2Fb+c/~_.-", "TLSv1.3", "https%3A%2F%2Fa.test%3A81%2Fa%252Fb%2Bc%2F~_.-"),
        ("/'()*!", "", "http%3A%2F%2Fa.test%3A81%2F%27%28%29%2A%21"),
    ],
)
def test_the_url_is_escaped_as_the_value_of_a_parameter(target: str, tls: str, url: str) -> None:
    found = compile_target("/?u={url}")(request_with(target=target), Sender(tls=tls), 500, 500)
    assert found == f"/?u={url}".encode()


LINES = ("Accept: a", "Range: bytes=0-1", "if-match: x", "If-Unmodified-Since: y", "Expect: z", "X-A: 1")


@pytest.mark.parametrize(
    ("names", "lines"),
    [
        (None, b"\r\nHost: a.test:81\r\nAccept: a\r\nX-A: 1" + CLAIMED),
        ([], b"\r\nHost: a.test:81"),
        (["x-a", "Range", "x-forwarded-for"], b"\r\nHost: a.test:81\r\nX-A: 1\r\nX-Forwarded-For: 192.0.2.1"),
    ],
)
def test_the_lines_are_those_of_the_client(names: list[str] | None, lines: bytes) -> None:
    assert compile_lines(names)(request_with(*LINES), Sender(claimed=CLAIMED)) == lines


def test_a_name_that_no_header_may_have_is_refused() -> None:
    with pytest.raises(ValueError, match="not a header name"):
        compile_lines(["X-A", "a b"])
