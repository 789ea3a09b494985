"""A real CA validates challenges at a proxy with two workers; the test is the agent that writes them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from acme import challenges, client, messages
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from josepy import JWKRSA, b64

from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.sealing import Sealer
from tests.lab.certificate import write_certificate
from tests.lab.pebble import Pebble
from tests.lab.store import Store
from tests.proxy.running import running_proxy

SECRET = "0123456789abcdef0123456789abcdef"
ACME_IDENTIFIER = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31")
PEM = serialization.Encoding.PEM

Write = Callable[[str, str], None]


@pytest.fixture(scope="module")
def write(pebble: Pebble, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Write]:
    """Run a proxy where the CA connects to, and return the function that writes a challenge to its store."""
    directory = tmp_path_factory.mktemp("validated")
    own = write_certificate(directory / "own.pem")
    flags = (
        f"--store.secret={SECRET}",
        f"--entryPoints.http.address=127.0.0.1:{pebble.http_port}",
        "--entryPoints.http.http.redirections.entryPoint.to=:443",
        f"--entryPoints.https.address=127.0.0.1:{pebble.tls_port}",
        f"--entryPoints.https.tls.certificates={own},{own}",
        "--certificatesResolvers.le.acme.httpChallenge.entryPoint=http",
        "--certificatesResolvers.le.acme.tlsChallenge=true",
    )
    with Store(directory) as store, running_proxy(directory, store, *flags, workers=2):
        stored = connect(store.url)

        def write_challenge(name: str, text: str) -> None:
            stored.set(Keys().acme_challenge(name), text, ex=600)

        yield write_challenge
        stored.close()


class PatientNetwork(client.ClientNetwork):
    """Repeats requests as often as the CA refuses their nonces."""

    def post(self, *args: Any, **options: Any) -> Any:
        while True:
            try:
                return super().post(*args, **options)
            except messages.Error as error:
                if error.code != "badNonce":
                    raise


class Account:
    """An account at the CA."""

    def __init__(self, pebble: Pebble) -> None:
        key = JWKRSA(key=rsa.generate_private_key(65537, 2048))
        self.thumbprint = b64.b64encode(key.thumbprint()).decode()
        network = PatientNetwork(key)
        network.verify_ssl = str(pebble.certificate)
        directory = client.ClientV2.get_directory(pebble.directory_url, network)
        self._client = client.ClientV2(directory, network)
        self._client.new_account(messages.NewRegistration(terms_of_service_agreed=True))

    def order(self, kind: str, answer: Callable[[str, str], None], *names: str) -> x509.Certificate:
        """Return the certificate for these names; `answer` gets the host and the token of a challenge."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
        alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        request = builder.add_extension(alternative, critical=False).sign(key, hashes.SHA256())
        order = self._client.new_order(request.public_bytes(PEM))
        for authorization in order.authorizations:
            offered = ((each, each.chall.to_partial_json()) for each in authorization.body.challenges)
            chosen, content = next(found for found in offered if found[1]["type"] == kind)
            answer(authorization.body.identifier.value, content["token"])
            # Without `answer_challenge`, which needs a Link header that this CA does not send.
            self._client.net.post(
                chosen.uri,
                challenges.HTTP01Response(key_authorization="not sent"),
                new_nonce_url=self._client.directory["newNonce"],
            )
        done = self._client.poll_and_finalize(order, datetime.now() + timedelta(seconds=30))
        return x509.load_pem_x509_certificate(done.fullchain_pem.encode())


@pytest.fixture(scope="module")
def account(pebble: Pebble) -> Account:
    return Account(pebble)


def names_in(certificate: x509.Certificate) -> list[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return found.get_values_for_type(x509.DNSName)


def challenge_certificate(host: str, authorization: str) -> str:
    """Return key and certificate of a TLS-ALPN-01 challenge (RFC 8737 §3) as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "challenge")])
    digest = b"\x04\x20" + hashlib.sha256(authorization.encode()).digest()
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.UnrecognizedExtension(ACME_IDENTIFIER, digest), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return (secret + certificate.public_bytes(PEM)).decode()


def test_http_challenges_are_validated(account: Account, write: Write) -> None:
    def answer(_host: str, token: str) -> None:
        write(f"http-01 {token}", f"{token}.{account.thumbprint}")

    names = ["http-a.test", "http-b.test"]
    assert names_in(account.order("http-01", answer, *names)) == names


def test_tls_challenges_are_validated(account: Account, write: Write) -> None:
    def answer(host: str, token: str) -> None:
        pem = challenge_certificate(host, f"{token}.{account.thumbprint}")
        write(f"tls-alpn-01 {host}", Sealer(SECRET.encode()).seal(pem))

    names = ["tls-a.test", "tls-b.test"]
    assert names_in(account.order("tls-alpn-01", answer, *names)) == names


@pytest.mark.parametrize("kind", ["http-01", "tls-alpn-01"])
def test_wrong_answers_are_not_validated(account: Account, write: Write, kind: str) -> None:
    def answer(host: str, token: str) -> None:
        wrong = f"{token}.{account.thumbprint[::-1]}"
        write(f"http-01 {token}", wrong)
        write(f"tls-alpn-01 {host}", challenge_certificate(host, wrong))

    with pytest.raises(client.errors.ValidationError):
        account.order(kind, answer, f"wrong-{kind}.test")
