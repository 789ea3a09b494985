"""Translation of OpenSSL's cipher names to IANA's."""

import pytest

from proxy.telemetry.tls_names import tls_name

CASES = [
    ("TLSv1.3", "TLS_AES_128_GCM_SHA256", "1.3 TLS_AES_128_GCM_SHA256"),
    ("TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256", "1.3 TLS_CHACHA20_POLY1305_SHA256"),
    ("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256", "1.2 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    ("TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384", "1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    ("TLSv1.2", "ECDHE-RSA-CHACHA20-POLY1305", "1.2 TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
    ("TLSv1.2", "ECDHE-RSA-AES256-SHA384", "1.2 TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"),
    ("TLSv1.2", "DHE-RSA-AES128-CCM8", "1.2 TLS_DHE_RSA_WITH_AES_128_CCM8"),
    ("TLSv1.2", "AES128-SHA", "1.2 TLS_RSA_WITH_AES_128_CBC_SHA"),
    ("TLSv1.2", "SOMETHING", "1.2 SOMETHING"),
]


@pytest.mark.parametrize(("version", "cipher", "expected"), CASES)
def test_cipher_names_are_translated(version: str, cipher: str, expected: str) -> None:
    assert tls_name(version, cipher) == expected
