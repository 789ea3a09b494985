"""TLS streams, both sides in this process."""

import socket
import ssl
from pathlib import Path

import gevent
import pytest

from proxy.net.deadlines import Sweeper
from proxy.net.stream import Stream
from proxy.net.tls_stream import TlsStream
from tests.lab.certificate import write_certificate
from tests.proxy.client_certificates.samples import SAMPLES
from tests.proxy.tls.handshakes import client_context, server_context

CHAIN = SAMPLES["a chain of two"]


@pytest.fixture
def server(tmp_path: Path) -> ssl.SSLContext:
    """A context that asks for certificates, and trusts those of the chain."""
    context = server_context(write_certificate(tmp_path / "own.pem"))
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VerifyFlags(ssl.VERIFY_X509_PARTIAL_CHAIN)
    context.load_verify_locations(cadata=CHAIN.der[1])
    return context


def connected(client: ssl.SSLContext, server: ssl.SSLContext) -> tuple[TlsStream, TlsStream]:
    """Return both sides after a handshake, the client's first."""
    ours, theirs = socket.socketpair()
    sweeper = Sweeper()
    streams = []
    for plain, context, name in ((ours, client, "a.test"), (theirs, server, None)):
        plain.setblocking(False)
        streams.append(gevent.spawn(TlsStream, Stream(plain, sweeper), context, name))
    gevent.joinall(streams, raise_error=True)
    return streams[0].get(), streams[1].get()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("sends", [True, False])
def test_the_certificates_of_a_client_are_those_that_it_sends(
    server: ssl.SSLContext, version: ssl.TLSVersion, sends: bool, tmp_path: Path
) -> None:
    client = client_context(version)
    if sends:
        client.load_cert_chain(CHAIN.write(tmp_path / "client.pem"))
    streams = connected(client, server)
    found = streams[1].client_certificates
    for stream in streams:
        stream.close()
    assert (None if found is None else found.chain) == (CHAIN.der if sends else None)
