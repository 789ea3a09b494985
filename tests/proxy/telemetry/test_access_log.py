"""Access log formats, filters, escaping and the log writer."""

import json
import os
import re
import select
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from proxy.background import supervised_task
from proxy.http1.limits import Limits
from proxy.http1.request import Request, parse_request
from proxy.telemetry.access_log import NOTES_PER_BATCH, AccessLog
from proxy.telemetry.drawn_ids import DrawnIds
from proxy.telemetry.escaping import escape, escape_all
from proxy.telemetry.json_format import JsonFormat
from proxy.telemetry.log_writer import MAX_BYTES, MAX_LINES, LogWriter, group_texts, split_lines
from proxy.telemetry.tallies import Tally
from proxy.telemetry.tracing import tracer as traces
from proxy.telemetry.tracing.trace import RequestTrace, Trace, unsampled_trace
from proxy.telemetry.tracing.trace_context import Parent
from proxy.telemetry.tracing.tracer import Tracer
from rondpoint.settings import AccessLog as Options
from rondpoint.settings import (
    AccessLogFields,
    AccessLogFilters,
    AccessLogFormat,
    AccessLogHeaders,
    AccessLogQuery,
    Tracing,
)


@dataclass
class Url:
    url: str = "http://10.0.0.1:80"


@dataclass
class Body:
    received: int


@dataclass
class Completed:
    peer: str = "192.0.2.1"
    address: bytes = b"192.0.2.1"
    port: int = 50000
    entry_point: str = "web"
    tally: Tally = field(default_factory=lambda: Tally("hello@docker", "hello-service@docker"))
    target: Url | None = field(default_factory=Url)
    status: int = 200
    sent: int = 65
    refused: bool = False
    retries: int = 0
    username: bytes = b""
    responder: str = ""
    grpc_status: int = -1
    body: Body | None = None
    tls: str = ""
    client_subject: str | None = None
    logged: Raw | None = None
    first_tried_at: float = 0.0
    origin_head: bytes = b""
    sent_head: bytes = b""
    request_id: bytes = b""
    own_ids: bytes = b""
    traced: RequestTrace | None = None
    sampled: bool = False


class RecordingWriter(LogWriter):
    """A log writer that keeps its lines in a list."""

    def __init__(self) -> None:
        super().__init__(None)
        self.kept: list[str] = []

    def add(self, text: bytes, count: int) -> None:
        self.kept += [f"{line}\n" for line in text.decode().removesuffix("\n").split("\n")]


def request(target: bytes = b"/a?b=c", headers: bytes = b"", version: int = 1) -> Request:
    head = b"GET %b HTTP/1.%d\r\nHost: hello.test:8000\r\n%b\r\n" % (target, version, headers)
    parsed = parse_request(head, Limits())
    assert parsed is not None
    return parsed


def log_lines(
    client_request: Request, completed: Completed | None = None, seconds: float = 0.0123, **options
) -> list[str]:
    writer = RecordingWriter()
    log = AccessLog(Options(**options), writer)
    log.add(completed or Completed(), client_request, time.monotonic() - seconds, seconds, 7)
    log.flush_notes()
    return writer.kept


def test_the_common_format_is_traefiks() -> None:
    headers = b"User-Agent: curl/8\r\nREFERER:  http://x.test/ \r\n"
    (line,) = log_lines(request(headers=headers))
    expected = (
        r'192\.0\.2\.1 - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET /a\?b=c HTTP/1\.1" 200 65 '
        r'"http://x\.test/ ?" "curl/8" 7 "hello@docker" "http://10\.0\.0\.1:80" 12ms\n'
    )
    assert re.fullmatch(expected, line), line


def test_a_hyphen_stands_for_a_missing_value() -> None:
    (line,) = log_lines(request(), Completed(tally=Tally(), target=None, status=404, sent=19))
    assert line.endswith('"GET /a?b=c HTTP/1.1" 404 19 "-" "-" 7 "-" "-" 12ms\n')


def test_json_has_traefiks_names() -> None:
    (line,) = log_lines(request(headers=b'User-Agent: a"b\r\n'), format="json")
    fields = json.loads(line)
    assert line.endswith("}\n")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", fields.pop("StartUTC"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d", fields.pop("StartLocal"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", fields.pop("time"))
    assert fields == {
        "ClientAddr": "192.0.2.1:50000",
        "ClientHost": "192.0.2.1",
        "ClientPort": "50000",
        "ClientUsername": "-",
        "DownstreamContentSize": 65,
        "DownstreamStatus": 200,
        "Duration": 12_300_000,
        "OriginContentSize": 65,
        "OriginDuration": 0,
        "OriginStatus": 200,
        "Overhead": 12_300_000,
        "RequestAddr": "hello.test:8000",
        "RequestContentSize": 0,
        "RequestCount": 7,
        "RequestHost": "hello.test",
        "RequestMethod": "GET",
        "RequestPath": "/a?b=c",
        "RequestPort": "8000",
        "RequestProtocol": "HTTP/1.1",
        "RequestScheme": "http",
        "RetryAttempts": 0,
        "RouterName": "hello@docker",
        "ServiceAddr": "10.0.0.1:80",
        "ServiceName": "hello-service@docker",
        "ServiceURL": "http://10.0.0.1:80",
        "entryPointName": "web",
        "level": "info",
        "msg": "",
        "request_Referer": "",
        "request_User-Agent": 'a"b',
    }


USERNAMES = [
    (b"eve", "eve", "eve"),
    (b"e v e", r"e\x20v\x20e", "e v e"),
    (b'e"\r\n\\', r"e\"\x0d\x0a\\", 'e"\r\n\\'),
    ("zoë".encode(), r"zo\xc3\xab", "zoë"),
    (b"", "-", "-"),
]
"""The name that a client sent, and its forms in the common format and in JSON."""


def test_the_middleware_that_responded_is_one_field_of_json() -> None:
    completed = Completed(responder='deny"@x', target=None)
    assert json_fields(request(), completed)["MiddlewareName"] == 'deny"@x'
    assert json_fields(request(), completed, names={"Duration": "drop"})["MiddlewareName"] == 'deny"@x'
    assert "MiddlewareName" not in json_fields(request(), completed, names={"MiddlewareName": "drop"})
    assert "MiddlewareName" not in json_fields(request(), Completed())


def test_the_status_of_a_grpc_call_is_one_field_of_json() -> None:
    for dropped in ({}, {"Duration": "drop"}):
        assert json_fields(request(), Completed(grpc_status=14), names=dropped)["GrpcStatus"] == 14
        assert json_fields(request(), Completed(grpc_status=0), names=dropped)["GrpcStatus"] == 0
        assert "GrpcStatus" not in json_fields(request(), Completed(), names=dropped)
    found = json_fields(request(), Completed(grpc_status=14), names={"GrpcStatus": "drop"})
    assert "GrpcStatus" not in found


@pytest.mark.parametrize(("username", "common", "in_json"), USERNAMES)
def test_the_name_of_the_user_is_one_field(username: bytes, common: str, in_json: str) -> None:
    for options in ({}, {"format": "genericclf"}):
        (line,) = log_lines(request(), Completed(username=username), **options)
        assert line.startswith(f"192.0.2.1 - {common} [")
    assert json_fields(request(), Completed(username=username))["ClientUsername"] == in_json
    found = json_fields(request(), Completed(username=username), names={"ClientHost": "drop"})
    assert found["ClientUsername"] == in_json


def test_the_name_of_the_user_can_be_left_out() -> None:
    names = {"ClientUsername": "drop"}
    (line,) = log_lines(request(), Completed(username=b"eve"), fields=AccessLogFields(names=names))
    assert line.startswith("192.0.2.1 - - [")
    assert "ClientUsername" not in json_fields(request(), Completed(username=b"eve"), names=names)


def test_the_name_of_a_user_is_not_in_the_next_line_of_the_connection() -> None:
    completed = Completed(username=b"eve")
    first = json_fields(request(), completed)
    completed.username = b""
    assert (first["ClientUsername"], json_fields(request(), completed)["ClientUsername"]) == ("eve", "-")


HEADERS = b"User-Agent: curl\r\nAuthorization: secret\r\nX-A: 1\r\nx-a: 2\r\n"


def json_fields(
    client_request: Request, completed: Completed | None = None, **fields: object
) -> dict[str, object]:
    (line,) = log_lines(client_request, completed, format="json", fields=AccessLogFields(**fields))
    found: dict[str, object] = json.loads(line)
    return found


def header_fields(fields: dict[str, object]) -> dict[str, object]:
    return {
        name: value
        for name, value in fields.items()
        if name.startswith(("request_", "origin_", "downstream_"))
    }


MODES = [
    ({}, {"request_User-Agent": "curl", "request_Referer": ""}),
    ({"default_mode": "drop"}, {}),
    (
        {"default_mode": "keep"},
        {"request_User-Agent": "curl", "request_Authorization": "secret", "request_X-A": "1,2"},
    ),
    (
        {"default_mode": "redact", "names": {"X-a": "keep", "user-agent": "drop"}},
        {"request_Authorization": "REDACTED", "request_X-A": "1,2"},
    ),
    ({"names": {"User-Agent": "redact", "REFERER": "drop"}}, {"request_User-Agent": "REDACTED"}),
    ({"default_mode": "drop", "names": {"X-A": "keep"}}, {"request_X-A": "1,2"}),
]


@pytest.mark.parametrize(("headers", "expected"), MODES)
def test_headers_are_kept_dropped_or_redacted(headers: dict, expected: dict) -> None:
    found = json_fields(request(headers=HEADERS), headers=AccessLogHeaders(**headers))
    assert header_fields(found) == expected


def test_headers_of_responses_are_logged_if_the_settings_name_them() -> None:
    completed = Completed(
        origin_head=b"HTTP/1.1 200 OK\r\nServer: origin\r\nSet-Cookie: a",
        sent_head=b"HTTP/1.1 200 OK\r\nServer: ours",
    )
    headers = AccessLogHeaders(names={"server": "keep", "set-cookie": "redact"})
    assert header_fields(json_fields(request(), completed, headers=headers)) == {
        "request_Referer": "",
        "request_User-Agent": "",
        "origin_Server": "origin",
        "origin_Set-Cookie": "REDACTED",
        "downstream_Server": "ours",
    }


def test_fields_are_dropped_by_name_or_all_but_some() -> None:
    found = json_fields(request(), names={"clientaddr": "drop", "FrontendName": "drop"})
    assert "ClientAddr" not in found
    assert "RouterName" not in found
    assert "ClientHost" in found
    found = json_fields(
        request(), default_mode="drop", names={"RequestPath": "keep"}, headers={"default_mode": "drop"}
    )
    assert sorted(found) == ["RequestPath", "level", "msg", "time"]


def test_fields_of_tls_traces_ids_bodies_and_retries() -> None:
    trace = Trace(int("a" * 32, 16), int("b" * 16, 16), Random())
    completed = Completed(
        tls="1.3 TLS_AES_128_GCM_SHA256",
        client_subject='CN=Ada,O=Lab\\, "A"',
        request_id=b"id",
        traced=trace,
        body=Body(9),
        retries=2,
    )
    found = json_fields(request(), completed)
    expected = {
        "TLSVersion": "1.3",
        "TLSCipher": "TLS_AES_128_GCM_SHA256",
        "TLSClientSubject": 'CN=Ada,O=Lab\\, "A"',
        "RequestScheme": "https",
        "RequestId": "id",
        "trace_id": "a" * 32,
        "span_id": "b" * 16,
        "TraceId": "a" * 32,
        "SpanId": "b" * 16,
        "RequestContentSize": 9,
        "RetryAttempts": 2,
    }
    assert {name: found[name] for name in expected} == expected


def test_the_time_of_the_server_and_the_overhead_are_separate_fields() -> None:
    found = json_fields(request(), Completed(first_tried_at=time.monotonic() - 0.01))
    assert 10_000_000 <= found["OriginDuration"] <= found["Duration"] + 5_000_000_000
    assert found["Overhead"] == max(0, found["Duration"] - found["OriginDuration"])


REQUESTS = st.tuples(
    st.binary(max_size=20),
    st.binary(max_size=20),
    st.binary(max_size=20),
    st.sampled_from([0.0, 0.0123, 5.0]),
    st.sampled_from([0, 1, 2]),
    *[st.booleans()] * 3,
)


@given(st.lists(REQUESTS, min_size=1, max_size=6))
def test_a_line_does_not_depend_on_the_others_of_its_batch(requests: list) -> None:
    together, alone = RecordingWriter(), RecordingWriter()
    one_log, log = AccessLog(Options(format="json"), alone), AccessLog(Options(format="json"), together)
    for number, (target, host, agent, seconds, version, refused, traced, plain) in enumerate(requests):
        client_request = request()
        client_request.target, client_request.host, client_request.version = target, host, version
        client_request.headers = b"\r\nUser-Agent: " + agent
        for each in (log, one_log):
            completed = Completed(
                refused=refused,
                traced=unsampled_trace(Parent(1, 2, False), 2) if traced else None,
                tls="1.3 X" if traced else "",
                request_id=b"a1" if plain else agent,
                responder="deny" if refused else "",
                grpc_status=14 if plain and traced else -1,
                body=Body(9) if traced else None,
            )
            each.add(completed, client_request, 1e6 + number, seconds, number)
        one_log.flush_notes()
    log.flush_notes()
    found = [[untimed(json.loads(line)) for line in writer.kept] for writer in (together, alone)]
    assert found[0] == found[1]
    assert len(found[0]) == len(requests)


def untimed(line: dict[str, object]) -> dict[str, object]:
    """Return the line with its times as seconds of the minute: two logs read the clock by themselves."""
    clock = {name: re.sub(r"\..*", "", str(line[name])) for name in ("time", "StartUTC", "StartLocal")}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", text) for text in clock.values())
    return {name: value for name, value in line.items() if name not in clock}


def test_cached_parts_do_not_fill_the_memory() -> None:
    form = JsonFormat(AccessLogFields())
    for number in range(5000):
        client_request = request(b"/%d" % number, headers=b"X: %d\r\n" % number)
        client_request.method = client_request.host = b"%d" % number
        tally = Tally(f"r{number}", f"s{number}")
        completed = Completed(tally=tally, target=Url(f"http://{number}"), status=number, peer=f"{number}")
        completed.responder = f"m{number}"
        notes: list[object] = []
        form.collector(notes, 2, notes.clear)(completed, client_request, 1.0, 0.0, 1)
        form.lines(notes)
    parts = (*vars(form).values(), *form._methods, form.headers.kept)
    kept = [len(part) for part in parts if isinstance(part, dict)]
    assert len(kept) == 11
    assert 0 < max(kept) <= 500


def test_a_query_can_be_left_out() -> None:
    query = AccessLogQuery(default_mode="drop")
    assert json_fields(request(b"/a?b=c"), query_parameters=query)["RequestPath"] == "/a"
    (line,) = log_lines(request(b"/a?b=c"), fields=AccessLogFields(query_parameters=query))
    assert '"GET /a HTTP/1.1"' in line


DROPPED = [
    ({"names": {"ClientHost": "drop"}}, r'- - - \[.+\] "GET /a\?b=c HTTP/1\.1" 200 65 "-" "curl" 7 '),
    ({"names": {"StartUTC": "drop"}}, r"192\.0\.2\.1 - - \[\d\d/.+ [+-]\d{4}\] "),
    ({"names": {"StartUTC": "drop", "StartLocal": "drop"}}, r"192\.0\.2\.1 - - \[-\] "),
    ({"default_mode": "drop"}, r'- - - \[-\] "- - -" - - "-" "curl" - "-" "-" 0ms\n'),
    (
        {"headers": {"default_mode": "drop"}},
        r'.+ 200 65 "-" "-" 7 "hello@docker" "http://10\.0\.0\.1:80" 12ms\n',
    ),
    ({"headers": {"default_mode": "redact"}}, r'.+ 200 65 "-" "REDACTED" 7 '),
]


@pytest.mark.parametrize(("fields", "expected"), DROPPED)
def test_a_hyphen_stands_for_what_is_dropped(fields: dict, expected: str) -> None:
    (line,) = log_lines(request(headers=b"User-Agent: curl\r\n"), fields=AccessLogFields(**fields))
    assert re.match(expected, line), line


def test_the_generic_format_ends_with_the_user_agent() -> None:
    (line,) = log_lines(request(headers=b"User-Agent: curl\r\n"), format="genericclf")
    assert line.endswith('"GET /a?b=c HTTP/1.1" 200 65 "-" "curl"\n')


def test_the_filter_for_retries_keeps_requests_with_retries() -> None:
    filters = AccessLogFilters(retry_attempts=True)
    assert not log_lines(request(), filters=filters)
    assert log_lines(request(), Completed(retries=1), filters=filters)


WRONG = [
    ({"default_mode": "redact"}, "expected one of keep, drop"),
    ({"names": {"ClientHots": "drop"}}, "did you mean ClientHost"),
    ({"names": {"ClientHost": "redact"}}, "expected one of keep, drop"),
    ({"headers": {"default_mode": "hide"}}, "expected one of keep, drop, redact"),
    ({"headers": {"names": {"a b": "keep"}}}, "not the name of a header"),
]


@pytest.mark.parametrize(("fields", "message"), WRONG)
def test_invalid_fields_are_refused(fields: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AccessLogFields(**fields)


def test_a_response_of_the_proxy_has_no_origin_status() -> None:
    (line,) = log_lines(request(), Completed(status=502, refused=True), format="json")
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
def test_bytes_that_could_end_a_field_are_escaped(value: bytes, expected: str) -> None:
    assert escape(value) == expected


@given(st.binary())
def test_escaped_text_stays_in_its_field(value: bytes) -> None:
    text = escape(value)
    assert text.isascii()
    assert text.isprintable() or not text
    assert '"' not in re.sub(r"\\[\\\"]", "", text)


@given(st.binary(), st.binary(), st.sampled_from(list(AccessLogFormat)))
def test_no_client_can_break_a_line(target: bytes, agent: bytes, form: AccessLogFormat) -> None:
    # Not through the parser, which would refuse most of these bytes.
    client_request = request()
    client_request.target = target
    client_request.headers = b"\r\nUser-Agent: " + agent
    (line,) = log_lines(client_request, format=form)
    assert line.index("\n") == len(line) - 1
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", line) or form is AccessLogFormat.JSON
    if form is AccessLogFormat.JSON:
        json.loads(line)
    elif form is AccessLogFormat.COMMON:
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
def test_a_request_that_any_filter_selects_is_log_lines(
    filters, status: int, seconds: float, *, kept: bool
) -> None:
    options = {"filters": AccessLogFilters(**filters)}
    assert bool(log_lines(request(), Completed(status=status), seconds, **options)) is kept


def test_many_different_clients_do_not_fill_the_memory() -> None:
    log = AccessLog(Options(), RecordingWriter())
    for number in range(2000):
        log.add(Completed(), request(headers=b"X: %d\r\n" % number), time.monotonic(), 0.0, 1)
    assert len(log.headers.kept) <= 500


@given(st.lists(st.binary().map(lambda data: data.replace(b"\n", b"") + b"\n")), st.integers(1, 50))
def test_pieces_are_whole_lines_and_as_small_as_possible(lines: list[bytes], size: int) -> None:
    found = list(split_lines(b"".join(lines), size))
    assert b"".join(found) == b"".join(lines)
    for piece in found:
        assert piece.endswith(b"\n")
        assert len(piece) <= size or piece.count(b"\n") == 1


TEXTS = st.lists(
    st.lists(st.binary(max_size=20).map(lambda data: data.replace(b"\n", b"") + b"\n"), min_size=1)
)


@given(TEXTS.map(lambda texts: [b"".join(lines) for lines in texts]), st.integers(1, 100))
def test_each_write_is_whole_lines_in_order_and_limited_in_size(texts: list[bytes], size: int) -> None:
    found = [b"".join(group) for group in group_texts(texts, size)]
    assert b"".join(found) == b"".join(texts)
    for group in found:
        assert group.endswith(b"\n")
        assert len(group) <= size or group.count(b"\n") == 1


def test_no_call_gets_more_buffers_than_the_system_takes(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path / "log")
    assert writer._write([b"%d\n" % number for number in range(5000)]) is None
    assert (tmp_path / "log").read_text().split() == [str(number) for number in range(5000)]


def test_writes_to_a_named_pipe_are_atomic(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    writer = LogWriter(pipe)
    try:
        assert writer._write([b"one\n"]) is None
        assert os.read(reader, 100) == b"one\n"
    finally:
        os.close(reader)
    assert writer._max_write == select.PIPE_BUF


def test_an_error_in_the_log_loses_only_its_own_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervised_task, "PAUSE", 0.001)
    writer = LogWriter(tmp_path / "log")

    def fail() -> None:
        writer.before_write = lambda: None
        raise LookupError

    writer.before_write = fail
    writer.start()
    with gevent.Timeout(10):
        while writer.before_write is fail:
            gevent.sleep(0.001)
        writer.add(b"later\n", 1)
        writer.close(10)
    assert (tmp_path / "log").read_text() == "later\n"


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=8))
def test_values_escaped_together_equal_values_escaped_one_by_one(values: list[bytes]) -> None:
    assert escape_all(values, escape) == [escape(value) for value in values]


def test_a_request_that_needs_escaping_leaves_the_other_lines_as_they_are() -> None:
    writer = RecordingWriter()
    log = AccessLog(Options(), writer)
    targets = [b"/%d" % number for number in range(100)]
    targets[7] = b'/"\n'
    for target in targets:
        client_request = request()
        client_request.target = target
        log.add(Completed(), client_request, time.monotonic(), 0.0, 1)
    log.flush_notes()
    assert len(writer.kept) == 100
    assert r'"GET /\"\x0a HTTP/1.1"' in writer.kept[7]
    assert all(f'"GET /{number} ' in writer.kept[number] for number in range(100) if number != 7)


def test_lines_formatted_at_once_keep_each_its_own_time() -> None:
    writer = RecordingWriter()
    log = AccessLog(Options(), writer)
    for seconds in (0.0, 3600.0, 0.0):
        log.add(Completed(), request(), time.monotonic() - seconds, seconds, 1)
    log.flush_notes()
    stamps = [line.partition("[")[2].partition("]")[0] for line in writer.kept]
    first, before, last = (datetime.strptime(stamp, "%d/%b/%Y:%H:%M:%S %z") for stamp in stamps)
    assert first <= last
    assert before < first - timedelta(minutes=30)


def test_unwritten_lines_are_kept_up_to_a_limit_and_then_dropped_and_counted() -> None:
    writer = LogWriter(None)
    log = AccessLog(Options(), writer)
    for number in range(MAX_LINES + 1000):
        log.add(Completed(), request(), time.monotonic(), 0.0, number)
    log.flush_notes()
    assert MAX_LINES - NOTES_PER_BATCH <= writer._count <= MAX_LINES
    assert writer._count + writer.dropped == MAX_LINES + 1000


def test_bytes_of_unwritten_lines_are_limited_too(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path / "log")
    line = b"x" * (MAX_BYTES // 4) + b"\n"
    for _ in range(5):
        writer.add(line, 1)
    assert (writer._count, writer.dropped) == (3, 2)
    writer._flush()
    writer.add(line, 1)
    assert (writer._count, writer.dropped) == (1, 2)
    assert (tmp_path / "log").stat().st_size == 3 * len(line)


def test_bytes_of_unexported_requests_are_limited() -> None:
    tracer = Tracer(Tracing())
    sampled = tracer.begin(request(), DrawnIds(request_ids=False, bound=tracer.bound).take())
    client_request = request()
    client_request.headers = b"x" * (traces.MAX_BYTES // 4)
    for _ in range(6):
        tracer.add(Completed(traced=sampled, sampled=True), client_request, 0.0, 0.0, 1)
    assert (len(tracer), tracer.dropped) == (4, 2)
    assert len(tracer.take(500)) == 4
    tracer.add(Completed(traced=sampled, sampled=True), client_request, 0.0, 0.0, 1)
    assert (len(tracer), tracer.dropped) == (1, 2)


@pytest.mark.parametrize(
    "options", [{}, {"filters": {"min_duration": 0.001}, "fields": {"names": {"Duration": "drop"}}}]
)
def test_no_configured_name_forges_a_line(options: dict[str, object]) -> None:
    completed = Completed(tally=Tally('a"\nforged\u2028\x00ü\\'), target=Url('http://a" "b:80'))
    (line,) = log_lines(request(), completed, **options)
    assert r'"a\"\nforged\u2028\x00ü\\" "http://a\" \"b:80"' in line
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize("names", [{}, {"ClientPort": "drop"}])
def test_the_origin_duration_never_exceeds_the_duration(names: dict[str, str]) -> None:
    completed = Completed(first_tried_at=time.monotonic() - 0.0124)
    (line,) = log_lines(request(), completed, 0.0123, format="json", fields=AccessLogFields(names=names))
    found = json.loads(line)
    assert (found["OriginDuration"], found["Duration"], found["Overhead"]) == (12_300_000, 12_300_000, 0)
