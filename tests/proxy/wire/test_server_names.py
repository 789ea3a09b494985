"""An entry point with several certificates: each client gets one for the name that it wants."""

import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.certificate import write_certificate
from tests.lab.ports import free_port
from tests.lab.store import Store
from tests.proxy.running import Proxy, running_proxy, watched
from tests.proxy.tls.client_hellos import alpn, hello_with, host_name, in_records, openssl_hello

CERTIFICATES = {
    "a-ec": (("DNS:a.test",), "ec"),
    "a-rsa": (("DNS:a.test",), "rsa"),
    "wild": (("DNS:*.a.test",), "ec"),
    "address": (("DNS:b.test", "IP:127.0.0.1"), "ec"),
}
DECODE_ERROR = b"\x15\x03\x01\x00\x02\x02\x32"


@pytest.fixture(scope="module")
def files(directory: Path) -> dict[str, Path]:
    own = directory / "names"
    own.mkdir()
    return {
        name: write_certificate(own / f"{name}.pem", *names, key=key)
        for name, (names, key) in CERTIFICATES.items()
    }


@pytest.fixture(scope="module")
def started(directory: Path, files: dict[str, Path]) -> Iterator[tuple[Proxy, int]]:
    port = free_port()
    own = directory / "names"
    pairs = ";".join(f"{file},{file}" for file in files.values())
    flags = [
        f"--entryPoints.websecure.address=127.0.0.1:{port}",
        f"--entryPoints.websecure.tls.certificates={pairs}",
        "--entryPoints.websecure.transport.respondingTimeouts.readTimeout=2s",
    ]
    with Store(own) as store, running_proxy(own, store, *flags) as proxy:
        yield proxy, port


@pytest.fixture
def port(started: tuple[Proxy, int]) -> Iterator[int]:
    for _ in watched(started[0]):
        yield started[1]


def presented(port: int, server_name: str | None, ciphers: str = "") -> bytes:
    """Return the certificate that a client gets."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if ciphers:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers)
    plain = socket.create_connection(("127.0.0.1", port), timeout=20)
    with context.wrap_socket(plain, server_hostname=server_name) as client:
        certificate = client.getpeercert(binary_form=True)
    assert certificate is not None
    return certificate


def contents(file: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert("-----BEGIN CERT" + file.read_text().partition("-----BEGIN CERT")[2])


@pytest.mark.parametrize(
    ("server_name", "name"),
    [
        ("a.test", "a-ec"),
        ("A.test", "a-ec"),
        ("www.a.test", "wild"),
        ("x.www.a.test", "a-ec"),
        ("b.test", "address"),
        ("c.test", "a-ec"),
        (None, "address"),
    ],
)
def test_the_name_decides_on_the_certificate(
    port: int, files: dict[str, Path], server_name: str | None, name: str
) -> None:
    assert presented(port, server_name) == contents(files[name])


def test_of_one_name_each_client_gets_a_key_that_it_supports(port: int, files: dict[str, Path]) -> None:
    assert presented(port, "a.test", "aECDSA") == contents(files["a-ec"])
    assert presented(port, "a.test", "aRSA") == contents(files["a-rsa"])


def test_a_hello_in_records_and_segments_of_one_byte_is_understood(port: int) -> None:
    hello = in_records(openssl_hello("a.test"), 100)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in hello:
            client.send(bytes((byte,)))
        # The ServerHello, in a record of type handshake.
        assert client.recv(1) == b"\x16"


# Names, because a hello is random, and processes that share the tests must name them alike.
@pytest.mark.parametrize("early", [b"", openssl_hello("a.test")[:80]], ids=["nothing", "a part"])
def test_a_client_without_a_whole_hello_is_given_up_after_the_read_timeout(port: int, early: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as mute:
        mute.sendall(early)
        began = time.monotonic()
        presented(port, "a.test")
        assert mute.recv(99) in (b"", DECODE_ERROR)
        assert time.monotonic() - began > 1


def test_a_name_with_a_final_dot_gets_an_alert(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(hello_with(host_name(b"a.test.")))
        assert client.recv(99) == DECODE_ERROR
        assert client.recv(99) == b""


def test_a_client_without_a_protocol_that_is_served_gets_an_alert(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(hello_with(host_name(b"a.test"), alpn(b"spdy/3")))
        assert client.recv(99) == b"\x15\x03\x01\x00\x02\x02\x78"
        assert client.recv(99) == b""
