"""What HTTP/2 asks of a TLS connection (RFC 9113 §9.2 and appendix A)."""

import pytest

from proxy.tls.alpn import is_adequate_for_http2


@pytest.mark.parametrize(
    ("version", "suite"),
    [
        ("TLSv1.3", "TLS_AES_128_GCM_SHA256"),
        ("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256"),
        ("TLSv1.2", "ECDHE-ECDSA-CHACHA20-POLY1305"),
        ("TLSv1.2", "ECDHE-ECDSA-AES256-CCM8"),
        ("TLSv1.2", "DHE-RSA-AES256-GCM-SHA384"),
    ],
)
def test_ephemeral_keys_and_aead_are_adequate(version: str, suite: str) -> None:
    assert is_adequate_for_http2(version, suite)


@pytest.mark.parametrize(
    ("version", "suite"),
    [
        ("TLSv1.1", "ECDHE-RSA-AES128-SHA"),
        ("TLSv1.2", "ECDHE-RSA-AES128-SHA"),
        ("TLSv1.2", "ECDHE-ECDSA-AES256-SHA384"),
        ("TLSv1.2", "AES128-GCM-SHA256"),
        ("TLSv1.2", "RSA-PSK-CHACHA20-POLY1305"),
        ("TLSv1.2", "ADH-AES128-GCM-SHA256"),
        ("", ""),
    ],
)
def test_all_others_are_not(version: str, suite: str) -> None:
    assert not is_adequate_for_http2(version, suite)
