"""Makes certificates and TLS options from the contents of the files that they name."""

from __future__ import annotations

from collections.abc import Callable

from discovery.certificates.named_files import named_path, read_named
from discovery.decoding.written_pair import WrittenPair
from rondpoint.tls.model import Certificate

Seal = Callable[[str], str]
"""Makes a private key unreadable for all who have the store but not the secret."""


def load_certificate(pair: WrittenPair, provider: str, subject: str, seal: Seal) -> Certificate:
    """Read and check a certificate and its key. Raises ContentsError."""
    # Imported only now: the library behind it is large, and agents without certificates do without it.
    from discovery.certificates.pair import check_pair  # noqa: PLC0415

    found = check_pair(read_named("certFile", pair.cert_file), read_named("keyFile", pair.key_file))
    suffix = "-default" if pair.default else ""
    return Certificate(
        f"{found.fingerprint}{suffix}@{provider}",
        found.chain,
        seal(found.key),
        found.names,
        found.not_before,
        found.not_after,
        found.subject,
        found.issuer,
        found.serial,
        found.key_type,
        subject if named_path(pair.cert_file) is None else pair.cert_file,
        entry_points=pair.entry_points,
        default=pair.default,
    )


def load_authorities(text: str) -> str:
    """Read and check the certificates of authorities, PEM text or in a file. Raises ContentsError."""
    from discovery.certificates.pair import check_authorities  # noqa: PLC0415

    return check_authorities(read_named("caFiles", text))
