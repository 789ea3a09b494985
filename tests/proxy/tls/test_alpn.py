"""What HTTP/2 asks of a TLS connection (RFC 9113 §9.2 and appendix A), and which protocols are offered."""

import pytest

from proxy.tls.alpn import (
    has_common_protocol,
    is_adequate_for_http2,
    offered_for_tcp,
    offered_protocols,
)
from rondpoint.tls.model import TlsOptions


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


def test_servers_of_tcp_routers_may_speak_any_protocol() -> None:
    options = TlsOptions("o", alpn=("postgresql", "http/1.1"))
    assert offered_protocols(options) == ("http/1.1",)
    assert offered_for_tcp(options) == ("postgresql", "http/1.1")
    assert offered_for_tcp(TlsOptions("o")) == offered_protocols(TlsOptions("o"))
    assert has_common_protocol((b"postgresql",), offered_for_tcp(options))
    assert not has_common_protocol((b"postgresql",), offered_protocols(options))
    assert has_common_protocol((), offered_for_tcp(options))
