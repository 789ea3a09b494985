"""Request heads, as bytes: accepted heads with their values, and refused ones with their status."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http1.errors import RequestError
from proxy.http1.limits import Limits, limits_for
from proxy.http1.request import Request, parse_request
from proxy.http1.request_target import TargetRules
from tests.proxy.corpus.requests import REFUSED, get
from tests.proxy.http1.parsed_values import request_values

LIMITS = Limits()
SMALL = Limits(head_bytes=200, line_bytes=60, headers=4)


def parsed(data: bytes, limits: Limits = LIMITS) -> Request:
    request = parse_request(data, limits)
    assert request is not None
    return request


def test_a_plain_get() -> None:
    head = get(b"Accept: */*", target=b"/a?b=c")
    assert request_values(parsed(head + b"next")) == {
        "method": b"GET",
        "target": b"/a?b=c",
        "host": b"a.test",
        "version": 1,
        "headers": b"\r\nHost: a.test\r\nAccept: */*",
        "size": len(head),
        "content_length": -1,
        "chunked": False,
        "keep_alive": True,
        "upgrade": b"",
        "kind": 0,
    }


@pytest.mark.parametrize(
    "target",
    [
        b"/",
        b"/a/.b/..c/",
        b"/%61/%2f%00",
        b"/?",
        b"/?a?b=/",
        b"/caf\xc3\xa9",
        b"/:@!$&'()*+,;=~\\|{}^`\"<>[]",
    ],
)
def test_the_target_is_unchanged(target: bytes) -> None:
    assert parsed(get(target=target)).target == target


@pytest.mark.parametrize(
    ("target", "resolved"),
    [
        (b"//a//b", b"/a/b"),
        (b"/%2e%2E/%2f%00", b"/%2f%00"),
        (b"/a/./../b", b"/b"),
        (b"http://b.test//a/../c", b"/c"),
        (b"http://b.test/..?d", b"/?d"),
    ],
)
def test_the_path_is_resolved_unless_it_is_to_be_kept(target: bytes, resolved: bytes) -> None:
    assert parsed(get(target=target)).target == resolved
    kept = parsed(get(target=target), Limits(targets=TargetRules(resolve_path=False))).target
    assert kept == target.removeprefix(b"http://b.test")


def test_semicolons_of_a_query_are_encoded_on_demand() -> None:
    encoding = Limits(targets=TargetRules(encode_semicolons=True))
    for target in (b"/a;b?c;d", b"http://b.test/a;b?c;d"):
        assert parsed(get(target=target), encoding).target == b"/a;b?c%3Bd"
        assert parsed(get(target=target)).target == b"/a;b?c;d"


@pytest.mark.parametrize(
    "method",
    [b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE", b"M-SEARCH", b"BREW"],
)
def test_methods(method: bytes) -> None:
    assert parsed(get(method=method)).method == method


@pytest.mark.parametrize(
    ("target", "host", "origin_form"),
    [
        (b"http://b.test/x?y", b"b.test", b"/x?y"),
        (b"HTTP://B.test:81?q", b"B.test:81", b"/?q"),
        (b"http://b.test", b"b.test", b"/"),
        (b"https://[::1]:8/", b"[::1]:8", b"/"),
    ],
)
def test_an_absolute_target_replaces_host(target: bytes, host: bytes, origin_form: bytes) -> None:
    request = parsed(get(b"A: b", target=target))
    assert (request.host, request.target) == (host, origin_form)
    assert request.headers == b"\r\nHost: " + host + b"\r\nA: b"


@pytest.mark.parametrize(
    "host", [b"a", b"A.b-c_d.", b"a:8000", b"a:", b"127.0.0.1:1", b"[::1]", b"[fe80::1]:443"]
)
def test_hosts(host: bytes) -> None:
    assert parsed(b"GET / HTTP/1.1\r\nhOST:  %b\r\n\r\n" % host).host == host


@pytest.mark.parametrize(
    ("version", "lines", "keep_alive"),
    [
        (b"1.1", [], True),
        (b"1.1", [b"Connection: keep-alive"], True),
        (b"1.1", [b"Connection: close"], False),
        (b"1.1", [b"Connection: CLOSE"], False),
        (b"1.1", [b"connection: x , close"], False),
        (b"1.1", [b"Connection: close, keep-alive"], False),
        (b"1.1", [b"Connection: close", b"Connection: keep-alive"], False),
        (b"1.0", [], False),
        (b"1.0", [b"Connection: Keep-Alive"], True),
        (b"1.0", [b"Connection: keep-alive", b"Connection: close"], False),
    ],
)
def test_keep_alive(version: bytes, lines: list[bytes], keep_alive: bool) -> None:
    assert parsed(get(*lines, version=version)).keep_alive is keep_alive


@pytest.mark.parametrize(
    ("lines", "length", "chunked", "has_body"),
    [
        ([], -1, False, False),
        ([b"Content-Length: 0"], 0, False, False),
        ([b"content-length:5 \t"], 5, False, True),
        ([b"Content-Length: 007"], 7, False, True),
        ([b"Transfer-Encoding: chunked"], -1, True, True),
        ([b"TRANSFER-encoding:\tChunKed "], -1, True, True),
    ],
)
def test_framing(lines: list[bytes], length: int, chunked: bool, has_body: bool) -> None:
    request = parsed(get(*lines, b"A: b", method=b"POST"))
    assert (request.content_length, request.chunked, request.has_body) == (length, chunked, has_body)
    assert request.headers == b"\r\nHost: a.test\r\nA: b", "the length is not among the forwarded lines"


@pytest.mark.parametrize(
    "line",
    [
        b"Connection: x",
        b"Keep-Alive: 5",
        b"Proxy-Connection: close",
        b"Proxy-Authorization: Basic eA==",
        b"TE: trailers",
        b"Upgrade: foo",
        b"HTTP2-Settings: AA",
        b"X-Real-Ip: 1.2.3.4",
        b"X_Real_IP: 1.2.3.4",
        b"x-forwarded-for: 1.2.3.4",
        b"X_Forwarded_For: 1.2.3.4",
        b"X-Forwarded-Anything: 1",
        b"Content_Length: 5",
        b"Transfer_Encoding: chunked",
    ],
)
def test_lines_that_are_removed(line: bytes) -> None:
    for lines in ([line, b"B: 1"], [b"B: 1", line], [line, line, b"B: 1", line]):
        assert parsed(get(*lines)).headers == b"\r\nHost: a.test\r\nB: 1"


@pytest.mark.parametrize(
    "line",
    [
        b"XX-Real-Ip: 1",
        b"X-Forwarded: 1",
        b"Tea: 1",
        b"Upgrade-Insecure-Requests: 1",
        b"A: X-Real-Ip: 1",
        b"Trailer: X",
        b"Expect: 100-continue",
        b"odd-CASE:\t value \t",
        b"Empty:",
        b"Latin: \xe9\xff",
    ],
)
def test_lines_that_are_forwarded_unchanged(line: bytes) -> None:
    assert parsed(get(b"A: b", line, b"C: d")).headers == b"\r\nHost: a.test\r\nA: b\r\n" + line + b"\r\nC: d"


UNDERSCORED = [
    b"X_Auth_User: root",
    b"x_auth-user: root",
    b"_: b",
    b"A_: b",
    b"_A:",
    b"Content_Length: 5",
    b"X_Forwarded_For: 1.2.3.4",
]


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("line", UNDERSCORED)
def test_names_with_underscores_may_be_refused(line: bytes, trusted: bool) -> None:
    limits = limits_for(LIMITS, "reject", trusted=trusted)
    for lines in ([line], [b"Connection: close", line], [line, b"B: 1"], [b"Connection: " + line[:2], line]):
        with pytest.raises(RequestError, match="underscores") as caught:
            parse_request(get(*lines), limits)
        assert caught.value.status == 400


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("line", UNDERSCORED)
def test_names_with_underscores_may_be_dropped(line: bytes, trusted: bool) -> None:
    limits = limits_for(LIMITS, "drop", trusted=trusted)
    for lines in ([line, b"B: 1"], [b"B: 1", line], [line, b"Connection: close", line, b"B: 1", line]):
        assert parsed(get(*lines), limits).headers == b"\r\nHost: a.test\r\nB: 1"


@pytest.mark.parametrize("underscores", ["allow", "reject", "drop"])
@pytest.mark.parametrize("trusted", [True, False])
def test_underscores_outside_names_do_not_matter(underscores: str, trusted: bool) -> None:
    limits = limits_for(LIMITS, underscores, trusted=trusted)  # type: ignore[arg-type]
    head = get(
        b"Cookie: a_b=c_d", b"B: x_y: z", b"Connection: a_b, upgrade", b"Upgrade: c_d", target=b"/e_f?g_h"
    )
    request = parsed(head, limits)
    assert request.headers == b"\r\nHost: a.test\r\nCookie: a_b=c_d\r\nB: x_y: z"
    assert (request.target, request.upgrade) == (b"/e_f?g_h", b"c_d")


@pytest.mark.parametrize(
    ("named", "line", "kept"),
    [
        (b"X-Secret", b"X-Secret: 1", False),
        (b"close, x-SECRET", b"X-Secret: 1", False),
        (b"x-secret,,", b"x-SECRET:1", False),
        (b"secret", b"X-Secret: 1", True),
        (b".-secret", b"X-Secret: 1", True),
        (b"cookie", b"Cookie: a=b", True),
        (b"authorization", b"Authorization: x", True),
        (b"Host", b"B: 1", True),
    ],
)
def test_lines_that_connection_names(named: bytes, line: bytes, kept: bool) -> None:
    request = parsed(get(b"Connection: " + named, line, line, b"Z: 1"))
    lines = (b"\r\n" + line) * 2 if kept else b""
    assert request.headers == b"\r\nHost: a.test" + lines + b"\r\nZ: 1"


@pytest.mark.parametrize(
    ("lines", "version", "upgrade"),
    [
        ([b"Connection: Upgrade", b"Upgrade: websocket"], b"1.1", b"websocket"),
        ([b"Upgrade: WebSocket", b"Connection: keep-alive, upgrade"], b"1.1", b"WebSocket"),
        ([b"Connection: Upgrade"], b"1.1", b""),
        ([b"Upgrade: websocket"], b"1.1", b""),
        ([b"Connection: Upgrade", b"Upgrade: websocket"], b"1.0", b""),
        ([b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: A"], b"1.1", b""),
        ([b"Connection: Upgrade", b"Upgrade: websocket, H2C"], b"1.1", b""),
        ([b"Connection: Upgrade", b"Upgrade: h2c,websocket"], b"1.1", b""),
        ([b"Connection: Upgrade", b"Upgrade: h2chat"], b"1.1", b"h2chat"),
    ],
)
def test_upgrades(lines: list[bytes], version: bytes, upgrade: bytes) -> None:
    request = parsed(get(*lines, version=version))
    assert request.upgrade == upgrade
    assert request.headers == b"\r\nHost: a.test"


def test_http_1_0_needs_no_host() -> None:
    request = parsed(b"GET / HTTP/1.0\r\nA: b\r\n\r\n")
    assert (request.host, request.version, request.headers) == (b"", 0, b"\r\nA: b")


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    data, status = REFUSED[name]
    with pytest.raises(RequestError) as caught:
        parse_request(data, LIMITS)
    assert caught.value.status == status
    assert caught.value.reason


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_any_split(name: str) -> None:
    data, status = REFUSED[name]
    # Long cases repeat one kind of byte.
    for end in {*range(min(len(data), 300)), len(data)}:
        try:
            assert parse_request(data[:end], LIMITS) is None
        except RequestError as error:
            assert error.status == status
            return
    pytest.fail("never refused")


def test_limits_are_exact() -> None:
    line = b"GET /%b HTTP/1.1\r\n"
    rest = b"Host: a\r\n\r\n"
    most = 60 - len(line) + 4
    assert parsed(line % (b"x" * most) + rest, SMALL)
    with pytest.raises(RequestError, match="request line"):
        parse_request(line % (b"x" * (most + 20)) + rest, SMALL)
    assert parsed(get(*[b"A: b"] * 3), SMALL)
    with pytest.raises(RequestError, match="header lines"):
        parse_request(get(*[b"A: b"] * 4), SMALL)
    padding = 200 - len(get(b"A: "))
    assert parsed(get(b"A: " + b"b" * padding), SMALL)
    with pytest.raises(RequestError, match="head too large"):
        parse_request(get(b"A: " + b"b" * (padding + 1)), SMALL)


tokens = st.text("ABCxyz019-_.!~", min_size=1, max_size=12).map(str.encode)
texts = st.text(st.characters(codec="latin-1", min_codepoint=0x20, exclude_characters="\x7f"), max_size=20)
field_values = texts.map(lambda text: text.encode("latin-1"))
lines = st.lists(st.tuples(tokens, field_values).map(lambda pair: pair[0] + b": " + pair[1]), max_size=8)
heads = st.builds(
    lambda extra, target, version: get(*extra, target=target, version=version),
    lines,
    st.sampled_from([b"/", b"/a/b?c", b"http://b.test/x", b"/%2e"]),
    st.sampled_from([b"1.1", b"1.0"]),
)


@given(st.sampled_from([b"", b"\r\n"]), heads, st.binary(max_size=20))
def test_a_head_means_the_same_in_any_split(before: bytes, head: bytes, after: bytes) -> None:
    sent = before + head
    for end in range(len(sent)):
        assert parse_request(sent[:end], LIMITS) is None
    assert request_values(parsed(sent)) == request_values(parsed(sent + after))
    assert request_values(parsed(sent)) == request_values(parsed(head)) | {"size": len(sent)}
    assert parsed(head).size == len(head)


@given(heads, st.booleans())
def test_the_setting_affects_only_names_with_underscores(head: bytes, trusted: bool) -> None:
    allowed = parsed(head, limits_for(LIMITS, "allow", trusted=trusted))
    dropping, rejecting = (limits_for(LIMITS, action, trusted=trusted) for action in ("drop", "reject"))
    names = [line.partition(b":")[0] for line in head.split(b"\r\n")[1:-2]]
    if any(b"_" in name for name in names):
        with pytest.raises(RequestError):
            parse_request(head, rejecting)
    else:
        assert request_values(parsed(head, rejecting)) == request_values(allowed)
    kept = [line for line in allowed.headers.split(b"\r\n")[1:] if b"_" not in line.partition(b":")[0]]
    assert parsed(head, dropping).headers == b"".join(b"\r\n" + line for line in kept)


mutations = st.lists(
    st.tuples(
        st.integers(0, 400),
        st.integers(0, 3),
        st.sampled_from(
            [b"", b"\r", b"\n", b"\r\n", b" ", b"\t", b":", b"\0", b"\xff", b",", b"#", b"a", b"5"]
        ),
    ),
    min_size=1,
    max_size=6,
)
SEEDS = [data for data, _ in REFUSED.values() if len(data) < 300]
seeds = st.sampled_from([*SEEDS, get(), get(b"Content-Length: 5"), get(b"Transfer-Encoding: chunked")])


@given(st.one_of(heads, seeds), mutations)
def test_mutated_heads_are_parsed_or_refused(head: bytes, changes: list[tuple[int, int, bytes]]) -> None:
    data = head
    for number, removed, added in changes:
        position = number % (len(data) + 1)
        data = data[:position] + added + data[position + removed :]
    try:
        request = parse_request(data, LIMITS)
    except RequestError as error:
        assert error.status in {400, 414, 431, 501, 505}
        return
    if request is not None:
        forwarded = request.headers + b"\r\n"
        assert forwarded.count(b"\n") == forwarded.count(b"\r\n") == forwarded.count(b"\r")
        assert not request.chunked or request.content_length == -1
        for line in forwarded.split(b"\r\n")[1:-1]:
            name, colon, _ = line.partition(b":")
            assert colon, line
            assert name.lower() not in {
                b"content-length",
                b"transfer-encoding",
                b"connection",
                b"upgrade",
                b"te",
            }
            assert not name.lower().startswith((b"x-forwarded-", b"x-real-ip"))


@given(st.binary(max_size=200))
def test_random_bytes_raise_only_request_error(data: bytes) -> None:
    for candidate in (data, data + b"\r\n\r\n", b"GET / HTTP/1.1\r\n" + data + b"\r\n\r\n"):
        try:
            parse_request(candidate, LIMITS)
        except RequestError as error:
            assert error.status in {400, 414, 431, 501, 505}
