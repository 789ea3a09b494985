"""The HTTP provider: what it emits, and when; outages and bad contents keep the routes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from discovery import dynamic
from discovery.providers.http import HttpProvider
from rondpoint.configuration import Configuration
from rondpoint.settings import ClientTls, HttpProviderOptions
from rondpoint.settings.tree.section import read_section
from tests.discovery.certificates.pairs import MadePair, make_pair, private_key
from tests.discovery.providers.supervised import supervised
from tests.discovery.providers.watching import watched
from tests.lab.configuration_server import Answer, ConfigurationServer
from tests.lab.ports import free_port

PATH = "/routes"


def routes(*names: str) -> bytes:
    """Return a configuration in YAML with these routers."""
    lines = ["http:", "  services:", "    s: {loadBalancer: {servers: [{url: 'http://127.0.0.1:1'}]}}"]
    lines += ["  routers:", *(f"    {name}: {{rule: Host(`{name}.test`), service: s}}" for name in names)]
    return "\n".join(lines).encode()


def names(configuration: Configuration) -> list[str]:
    return sorted(configuration.routers)


def messages(configuration: Configuration) -> str:
    return "; ".join(f"{each.message} ({each.hint})" for each in configuration.diagnostics)


def provider(server: ConfigurationServer, **options: object) -> HttpProvider:
    settings = {"endpoint": server.url + PATH, "poll_interval": 0.1, **options}
    return HttpProvider(read_section(HttpProviderOptions, settings))


@pytest.fixture
def server() -> Iterator[ConfigurationServer]:
    with ConfigurationServer() as running:
        running.answers[PATH] = Answer(routes("one"))
        yield running


def test_a_change_is_emitted_and_equal_contents_are_not(server: ConfigurationServer) -> None:
    with watched(provider(server)) as running:
        assert names(running.next()) == ["one@http"]
        server.wait_for_requests(2)
        assert running.quiet(0)
        server.answers[PATH] = Answer(routes("one", "two"))
        assert names(running.next()) == ["one@http", "two@http"]


@pytest.mark.parametrize("tagged", [False, True], ids=["the same bytes", "status 304"])
def test_equal_contents_are_not_decoded(
    server: ConfigurationServer, tagged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []
    original = dynamic.read_json_or_yaml

    def count(text: str) -> object:
        decoded.append(text)
        return original(text)

    monkeypatch.setattr(dynamic, "read_json_or_yaml", count)
    server.answers[PATH] = Answer(routes("one"), tagged=tagged)
    with watched(provider(server)) as running:
        running.next()
        server.wait_for_requests(3)
    assert len(decoded) == 1


def test_json_and_a_byte_order_mark_are_read(server: ConfigurationServer) -> None:
    tree = {"http": {"routers": {"j": {"rule": "Host(`j.test`)", "service": "s@file"}}}}
    server.answers[PATH] = Answer(b"\xef\xbb\xbf" + json.dumps(tree).encode())
    with watched(provider(server)) as running:
        assert names(running.next()) == ["j@http"]


BAD_CONTENTS = {
    "YAML with a fault": (b"http:\n  routers: [", "line 3, column 1"),
    "a key given twice": (b'{"http": {},\n "http": {}}', "line 2, column 2: http is given twice"),
    "a list": (b"[1]", "contains no options"),
    "bytes that are not UTF-8": (b"http: \xff", "is not UTF-8 text: invalid start byte at byte 6"),
    "JSON that is nested too deeply": (b'{"a":' * 20_000, "nested more than 50 levels deep"),
}


@pytest.mark.parametrize(("body", "message"), BAD_CONTENTS.values(), ids=BAD_CONTENTS)
def test_bad_contents_keep_the_last_valid_ones(
    server: ConfigurationServer, body: bytes, message: str
) -> None:
    with watched(provider(server)) as running:
        running.next()
        server.answers[PATH] = Answer(body)
        found = running.next()
        assert names(found) == ["one@http"]
        assert message in messages(found)
        assert "the last valid contents of the endpoint stay in force" in messages(found)
        server.answers[PATH] = Answer(routes("two"))
        assert names(running.next()) == ["two@http"]
        assert messages(running.last or Configuration()) == ""


OUTAGES = {
    "an error": (Answer(status=503), "responds with status 503"),
    "an empty body": (Answer(b" \n"), "is empty; the routes stay"),
    "an empty body with an ETag": (Answer(b"", tagged=True), "is empty; the routes stay"),
}


@pytest.mark.parametrize(("answer", "message"), OUTAGES.values(), ids=OUTAGES)
def test_a_fault_of_the_server_keeps_the_routes(
    server: ConfigurationServer, answer: Answer, message: str
) -> None:
    with supervised(provider(server)) as running:
        running.until_ok()
        server.answers[PATH] = answer
        running.until_failing(message)
        assert names(running.configuration) == ["one@http"]
        server.answers[PATH] = Answer(routes("one"))
        running.until_ok()


def test_an_empty_tree_removes_all_routes(server: ConfigurationServer) -> None:
    with watched(provider(server)) as running:
        running.next()
        server.answers[PATH] = Answer(b"{}")
        assert names(running.next()) == []


def test_an_outage_keeps_the_routes_and_its_end_is_noticed() -> None:
    port = free_port()
    with ConfigurationServer(port) as server:
        server.answers[PATH] = Answer(routes("one"), tagged=True)
        with supervised(provider(server)) as running:
            running.until(lambda found: names(found) == ["one@http"])
            server.stop()
            running.until_failing("connection refused")
            assert names(running.configuration) == ["one@http"]
            with ConfigurationServer(port) as successor:
                successor.answers[PATH] = Answer(routes("one"), tagged=True)
                running.until_ok()
                assert successor.received[0].status == 304
                successor.answers[PATH] = Answer(routes("two"), tagged=True)
                running.until(lambda found: names(found) == ["two@http"])


def test_certificates_in_files_are_read_and_followed(server: ConfigurationServer, tmp_path: Path) -> None:
    old, new = make_pair("old.test"), make_pair("new.test", key=private_key("ec", 1))

    def write(made: MadePair) -> None:
        (tmp_path / "tls.crt").write_text(made.certificate)
        (tmp_path / "tls.key").write_text(made.key)

    def presents(name: str) -> Callable[[Configuration], bool]:
        return lambda found: [each.names for each in found.certificates.values()] == [(name,)]

    write(old)
    body = f"tls: {{certificates: [{{certFile: '{tmp_path}/tls.crt', keyFile: '{tmp_path}/tls.key'}}]}}"
    server.answers[PATH] = Answer(body.encode())
    with watched(provider(server, poll_interval=60)) as running:
        running.until(presents("old.test"))
        write(new)
        running.until(presents("new.test"))


def test_unusable_tls_options_are_a_fault() -> None:
    options = HttpProviderOptions(endpoint="https://localhost/", tls=ClientTls(ca="/missing.pem"))
    with supervised(HttpProvider(options)) as running:
        running.until_failing("tls.ca /missing.pem cannot be used")


def test_it_stops_at_once_while_a_response_is_outstanding(server: ConfigurationServer) -> None:
    def wait() -> Answer:
        arrived.append(1)
        ended.wait(60)
        return Answer(routes("one"))

    arrived: list[int] = []
    ended = threading.Event()
    server.answers[PATH] = wait
    with watched(provider(server, poll_timeout=60)) as running:
        while not arrived:
            running.quiet(0.01)
        began = time.monotonic()
        try:
            running.end()
        finally:
            ended.set()
        assert time.monotonic() - began < 30


def test_two_thousand_services_are_read_in_time(server: ConfigurationServer) -> None:
    services = {
        f"s{n}": {"loadBalancer": {"servers": [{"url": f"http://10.0.0.1:{n}"}]}} for n in range(1, 2001)
    }
    routers = {f"r{n}": {"rule": f"Host(`h{n}.test`)", "service": f"s{n}"} for n in range(1, 2001)}
    server.answers[PATH] = Answer(json.dumps({"http": {"routers": routers, "services": services}}).encode())
    began = time.monotonic()
    with watched(provider(server)) as running:
        assert len(running.next().services) == 2000
        print(f"2,000 services after {time.monotonic() - began:.2f} s")
        # A wide margin: the machine may be busy.
        assert time.monotonic() - began < 15
