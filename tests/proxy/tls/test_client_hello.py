from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.tls.client_hello import (
    MAX_BYTES,
    MAX_RECORDS,
    ClientHello,
    ClientHelloError,
    bytes_needed,
    parse_client_hello,
)
from tests.proxy.tls.client_hellos import alpn, extension, hello_with, host_name, in_records, openssl_hello

WHOLE = openssl_hello("a.test")
LEAST = len(WHOLE) // MAX_RECORDS + 1
"""Bytes in each record, so that there are not too many."""


@pytest.mark.parametrize(
    ("server_name", "read"),
    [("a.test", "a.test"), ("A.Test", "a.test"), ("xn--bcher-kva.test", "xn--bcher-kva.test"), (None, "")],
)
def test_the_name_and_the_protocols_that_openssl_sends_are_read(server_name: str | None, read: str) -> None:
    assert parse_client_hello(openssl_hello(server_name)) == ClientHello(
        read, (b"h2", b"http/1.1"), resumes=True
    )


@given(st.integers(LEAST, len(WHOLE)), st.binary(max_size=20))
def test_records_of_any_size_and_bytes_after_them_change_nothing(size: int, after: bytes) -> None:
    assert parse_client_hello(in_records(WHOLE, size) + after) == ClientHello(
        "a.test", (b"h2", b"http/1.1"), resumes=True
    )


@given(st.integers(LEAST, 600), st.data())
def test_a_hello_that_is_not_whole_yet_is_waited_for(size: int, data: st.DataObject) -> None:
    records = in_records(WHOLE, size)
    assert parse_client_hello(records[: data.draw(st.integers(0, len(records) - 1))]) is None


@given(st.integers(LEAST, 600))
def test_a_hello_in_single_bytes_is_parsed_twice_for_each_record(size: int) -> None:
    records = in_records(WHOLE, size)
    there, attempts = 0, 0
    while parse_client_hello(records[:there]) is None:
        there = bytes_needed(records[:there])
        attempts += 1
    assert there == len(records)
    assert attempts <= 2 * -(-len(WHOLE) // size)


@pytest.mark.parametrize(
    ("extensions", "read"),
    [
        ((), ""),
        ((extension(21, bytes(99)), host_name(b"a.test"), extension(17, b"")), "a.test"),
        ((extension(0, b"\0\0"),), ""),
        ((extension(0, b"\0\x05\x07\0\x02ab"),), ""),
    ],
)
def test_extensions_may_be_missing_in_any_order_or_of_unknown_kinds(
    extensions: tuple[bytes, ...], read: str
) -> None:
    assert parse_client_hello(hello_with(*extensions, session=bytes(32))) == ClientHello(read)


@pytest.mark.parametrize(
    ("names", "read"),
    [
        ((), ()),
        ((b"acme-tls/1",), (b"acme-tls/1",)),
        ((b"\x8a\x8a", b"h2"), (b"\x8a\x8a", b"h2")),
    ],
)
def test_the_offered_protocols_are_read(names: tuple[bytes, ...], read: tuple[bytes, ...]) -> None:
    hello = hello_with(alpn(*names), host_name(b"a.test"))
    assert parse_client_hello(hello) == ClientHello("a.test", read)


@pytest.mark.parametrize(
    ("modes", "read"), [(b"\1\1", True), (b"\2\0\1", True), (b"\1\0", False), (b"\0", False), (b"", False)]
)
def test_a_client_that_names_the_mode_of_openssl_can_resume_its_session(modes: bytes, read: bool) -> None:
    hello = hello_with(extension(45, modes), host_name(b"a.test"))
    assert parse_client_hello(hello) == ClientHello("a.test", resumes=read)


def test_a_hello_of_40_kb_is_read() -> None:
    long = hello_with(extension(21, bytes(20_000)), extension(22, bytes(20_000)), host_name(b"a.test"))
    assert parse_client_hello(in_records(long, 16_000)) == ClientHello("a.test")


REFUSED = {
    "plain HTTP": b"GET / HTTP/1.1\r\n",
    "an alert": b"\x15\x03\x01\x00\x02\x02\x32",
    "another version of records": b"\x16\x02" + WHOLE[2:],
    "an empty record": b"\x16\x03\x01\x00\x00",
    "a record that is too long": b"\x16\x03\x01\x40\x01",
    "another message": b"\x16\x03\x01\x00\x04\x02\x00\x00\x00",
    "an empty hello": b"\x16\x03\x01\x00\x04\x01\x00\x00\x00",
    "a name with a final dot": hello_with(host_name(b"a.test.")),
    "an empty name": hello_with(host_name(b"")),
    "a name with a zero byte": hello_with(host_name(b"a.test\0.b.test")),
    "a name that is not ASCII": hello_with(host_name("bücher.test".encode())),
    "a name beyond its extension": hello_with(extension(0, b"\0\x09\0\0\x20a.test")),
    "protocols beyond their extension": hello_with(extension(16, b"\0\x05\x02h2")),
    "a protocol beyond the list": hello_with(extension(16, b"\0\x03\x03h2")),
    "protocols without a list": hello_with(extension(16, b"")),
    "an extension beyond the list": hello_with(extension(5, b"abc")[:-1]),
    "plain HTTP in the second record": in_records(WHOLE, 9)[:14] + b"GET / HTTP/1.1\r\n",
}


@pytest.mark.parametrize("what", REFUSED)
def test_anything_else_is_refused(what: str) -> None:
    with pytest.raises(ClientHelloError):
        parse_client_hello(REFUSED[what])


def test_a_hello_without_end_is_refused() -> None:
    endless = in_records(b"\x16\x03\x01\x00\x00\x01\xff\xff\xff" + bytes(MAX_BYTES), 16_000)
    with pytest.raises(ClientHelloError, match="65536"):
        parse_client_hello(endless)


def test_a_hello_in_too_many_records_is_refused_before_it_is_whole() -> None:
    records = in_records(WHOLE, 1)
    assert parse_client_hello(records[: 6 * MAX_RECORDS - 1]) is None
    with pytest.raises(ClientHelloError, match="64 records"):
        parse_client_hello(records[: 6 * MAX_RECORDS])


@given(st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(lambda rest: WHOLE[:44] + rest)))
def test_no_bytes_lead_to_another_error(data: bytes) -> None:
    with suppress(ClientHelloError):
        parse_client_hello(data)
