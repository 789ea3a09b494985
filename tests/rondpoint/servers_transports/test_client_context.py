"""TLS contexts for servers take client certificates from files, and keys that a provider has sealed."""

import ssl
from pathlib import Path

import pytest

from rondpoint.model import ClientCertificate, ServersTransport
from rondpoint.servers_transports.client_context import create_client_context
from rondpoint.store.sealing import Sealer
from tests.discovery.certificates.pairs import key_text, make_pair, private_key

PAIR = make_pair("client.test")
SEALER = Sealer(b"a secret of the installation, long")


def transport(key: str) -> ServersTransport:
    return ServersTransport("mtls@kubernetescrd", certificate=ClientCertificate(PAIR.certificate, key))


def handshake(client: ssl.SSLContext, directory: Path) -> bool:
    """Return whether a server that wants the certificate gets it."""
    file = directory / "server.pem"
    server_pair = make_pair("localhost")
    file.write_text(server_pair.certificate + server_pair.key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    server.load_verify_locations(cadata=PAIR.certificate)
    server.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    server.verify_mode = ssl.CERT_REQUIRED
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [client.wrap_bio(to_client, to_server), server.wrap_bio(to_server, to_client, server_side=True)]
    for side in sides * 3:
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return bool(sides[1].getpeercert())


def test_a_sealed_key_is_opened(tmp_path: Path) -> None:
    context = create_client_context(transport(SEALER.seal(PAIR.key)), open_key=SEALER.open)
    assert handshake(context, tmp_path)


def test_a_key_that_an_installation_without_secret_does_not_seal_is_used(tmp_path: Path) -> None:
    assert handshake(create_client_context(transport(Sealer().seal(PAIR.key))), tmp_path)


def test_a_file_with_a_key_is_read(tmp_path: Path) -> None:
    file = tmp_path / "client.key"
    file.write_text(PAIR.key)
    assert handshake(create_client_context(transport(str(file)), open_key=SEALER.open), tmp_path)


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (Sealer(b"another secret of the installation").seal(PAIR.key), "sealed with the secret"),
        (SEALER.seal(key_text(private_key(number=7))), "KEY_VALUES_MISMATCH"),
        ("/nowhere/client.key", "No such file"),
    ],
    ids=["sealed with another secret", "of another certificate", "a file that does not exist"],
)
def test_a_key_that_cannot_be_used_says_why(key: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"its client certificate cannot be used: .*{reason}"):
        create_client_context(transport(key), open_key=SEALER.open)


def test_keys_are_not_shown() -> None:
    assert PAIR.key not in repr(transport(PAIR.key))
