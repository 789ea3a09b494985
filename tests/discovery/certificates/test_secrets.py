"""Objects that hold private keys do not show them in logs and tracebacks."""

import pytest
from msgspec import Struct

from discovery.acme.storage.document import StoredAccount, StoredCertificate
from discovery.certificates.pair import Pair
from discovery.decoding.written_pair import WrittenPair
from rondpoint.store.acme import AcmeAccount, AcmeCertificate, AcmeOrder
from rondpoint.tls.model import Certificate, TlsDomain

KEY = "-----BEGIN PRIVATE KEY-----"
DOMAIN = TlsDomain("a.test")


@pytest.mark.parametrize(
    "holder",
    [
        Pair("", KEY, "0123", ("a.test",), 0.0, 0.0, "", "", "", ""),
        WrittenPair("tls.certificates[0]", "a.pem", KEY),
        StoredAccount(KEY),
        StoredCertificate(DOMAIN, "", KEY),
        AcmeAccount("https://ca.test", KEY),
        AcmeCertificate("le", DOMAIN, "", KEY),
        AcmeOrder("le", DOMAIN, "https://ca.test/1", KEY),
        Certificate("0123@file", "", KEY),
    ],
    ids=lambda holder: type(holder).__name__,
)
def test_a_private_key_is_not_shown(holder: Struct) -> None:
    assert KEY not in repr(holder)
    assert repr(holder).startswith(type(holder).__name__)
