"""Lines of the access log, from values; and that nothing a client sends can forge one."""

import json
import re
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http1.request import Limits, Request, parse_request
from proxy.telemetry.access_log import AccessLog, escaped
from proxy.telemetry.lines import Lines, pieces
from proxy.telemetry.tallies import Tally
from rondpoint.settings import AccessLog as Options
from rondpoint.settings import AccessLogFilters, AccessLogFormat


@dataclass
class Url:
    url: str = "http://10.0.0.1:80"


@dataclass
class Answer:
    peer: str = "192.0.2.1"
    port: int = 50000
    entry_point: str = "web"
    tally: Tally = field(default_factory=lambda: Tally("hello@docker", "hello-service@docker"))
    target: Url | None = field(default_factory=Url)
    status: int = 200
    sent: int = 65
    refused: bool = False


class Kept(Lines):
    """Keeps what the others write."""

    def __init__(self) -> None:
        super().__init__(None)
        self.kept: list[str] = []

    def add(self, line: str) -> None:
        self.kept.append(line)


def request(target: bytes = b"/a?b=c", headers: bytes = b"", version: int = 1) -> Request:
    head = b"GET %b HTTP/1.%d\r\nHost: hello.test:8000\r\n%b\r\n" % (target, version, headers)
    parsed = parse_request(head, Limits())
    assert parsed is not None
    return parsed


def logged(asked: Request, answer: Answer | None = None, seconds: float = 0.0123, **options) -> list[str]:
    lines = Kept()
    AccessLog(Options(**options), lines).add(answer or Answer(), asked, seconds, 7)
    return lines.kept


def test_the_common_format_is_traefiks() -> None:
    headers = b"User-Agent: curl/8\r\nREFERER:  http://x.test/ \r\n"
    (line,) = logged(request(headers=headers))
    expected = (
        r'192\.0\.2\.1 - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET /a\?b=c HTTP/1\.1" 200 65 '
        r'"http://x\.test/ ?" "curl/8" 7 "hello@docker" "http://10\.0\.0\.1:80" 12ms\n'
    )
    assert re.fullmatch(expected, line), line


def test_what_there_is_not_is_a_hyphen() -> None:
    (line,) = logged(request(), Answer(tally=Tally(), target=None, status=404, sent=19))
    assert line.endswith('"GET /a?b=c HTTP/1.1" 404 19 "-" "-" 7 "-" "-" 12ms\n')


def test_json_has_traefiks_names() -> None:
    (line,) = logged(request(headers=b'User-Agent: a"b\r\n'), format="json")
    fields = json.loads(line)
    assert line.endswith("}\n")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", fields.pop("StartUTC"))
    assert fields == {
        "ClientAddr": "192.0.2.1:50000",
        "ClientHost": "192.0.2.1",
        "ClientPort": "50000",
        "DownstreamContentSize": 65,
        "DownstreamStatus": 200,
        "Duration": 12_300_000,
        "OriginStatus": 200,
        "RequestAddr": "hello.test:8000",
        "RequestCount": 7,
        "RequestHost": "hello.test",
        "RequestMethod": "GET",
        "RequestPath": "/a?b=c",
        "RequestProtocol": "HTTP/1.1",
        "RequestScheme": "http",
        "RouterName": "hello@docker",
        "ServiceAddr": "10.0.0.1:80",
        "ServiceName": "hello-service@docker",
        "ServiceURL": "http://10.0.0.1:80",
        "entryPointName": "web",
        "request_Referer": "",
        "request_User-Agent": 'a"b',
    }


def test_an_answer_of_our_own_has_no_status_of_a_server() -> None:
    (line,) = logged(request(), Answer(status=502, refused=True), format="json")
    fields = json.loads(line)
    assert (fields["DownstreamStatus"], fields["OriginStatus"]) == (502, 0)


ESCAPED = [
    (b"plain", "plain"),
    (b'a"b', r"a\"b"),
    (b"a\\b", r"a\\b"),
    (b"a\tb\x1b[31m", r"a\x09b\x1b[31m"),
    (b"a\r\nb", r"a\x0d\x0ab"),
    (b"\x7f\x80\xff", r"\x7f\x80\xff"),
]


@pytest.mark.parametrize(("value", "expected"), ESCAPED)
def test_what_could_end_a_field_is_escaped(value: bytes, expected: str) -> None:
    assert escaped(value) == expected


@given(st.binary())
def test_escaped_text_stays_in_its_field(value: bytes) -> None:
    text = escaped(value)
    assert text.isascii()
    assert text.isprintable() or not text
    assert '"' not in re.sub(r"\\[\\\"]", "", text)


@given(st.binary(), st.binary(), st.sampled_from(list(AccessLogFormat)))
def test_a_line_is_one_line_whatever_the_client_says(
    target: bytes, agent: bytes, form: AccessLogFormat
) -> None:
    # Past the gate of the parser, which would refuse most of it.
    asked = request()
    asked.target = target
    asked.headers = b"\r\nUser-Agent: " + agent
    (line,) = logged(asked, format=form)
    assert line.index("\n") == len(line) - 1
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", line) or form is AccessLogFormat.JSON
    if form is AccessLogFormat.JSON:
        json.loads(line)
    else:
        assert line.endswith('7 "hello@docker" "http://10.0.0.1:80" 12ms\n')


FILTERS = [
    ({}, 200, 0.0, True),
    ({"status_codes": "404,500-599"}, 200, 0.0, False),
    ({"status_codes": "404,500-599"}, 404, 0.0, True),
    ({"status_codes": "404,500-599"}, 599, 0.0, True),
    ({"min_duration": "10ms"}, 200, 0.009, False),
    ({"min_duration": "10ms"}, 200, 0.010, True),
    ({"min_duration": "10ms", "status_codes": "404"}, 404, 0.0, True),
    ({"min_duration": "10ms", "status_codes": "404"}, 200, 1.0, True),
    ({"min_duration": "10ms", "status_codes": "404"}, 200, 0.0, False),
]


@pytest.mark.parametrize(("filters", "status", "seconds", "kept"), FILTERS)
def test_filters_keep_what_any_of_them_asks_for(filters, status: int, seconds: float, *, kept: bool) -> None:
    options = {"filters": AccessLogFilters(**filters)}
    assert bool(logged(request(), Answer(status=status), seconds, **options)) is kept


def test_many_different_clients_do_not_fill_the_memory() -> None:
    log = AccessLog(Options(), Kept())
    for number in range(2000):
        log.add(Answer(), request(headers=b"X: %d\r\n" % number), 0.0, 1)
    assert len(log._named) <= 500


@given(st.lists(st.binary().map(lambda data: data.replace(b"\n", b"") + b"\n")), st.integers(1, 50))
def test_pieces_are_whole_lines_and_no_larger_than_need_be(lines: list[bytes], size: int) -> None:
    found = list(pieces(b"".join(lines), size))
    assert b"".join(found) == b"".join(lines)
    for piece in found:
        assert piece.endswith(b"\n")
        assert len(piece) <= size or piece.count(b"\n") == 1
