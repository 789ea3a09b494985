"""Reads the certificates that proxies show to servers, from secrets, and seals their keys."""

from __future__ import annotations

from discovery.certificates.errors import ContentsError
from discovery.certificates.loading import Seal
from discovery.providers.kubernetes.lookup import Place
from discovery.providers.kubernetes.secrets import ContentsFault, read_key_pair
from rondpoint.model import ClientCertificate


def read_client_certificate(name: str, place: Place, seal: Seal) -> ClientCertificate:
    """Return the certificate in the secret of this name, with its sealed key. Raises ContentsFault."""
    # Imported only now: the library behind it is large, and agents without certificates do without it.
    from discovery.certificates.pair import check_pair  # noqa: PLC0415

    pair = read_key_pair(name, place)
    try:
        found = check_pair(pair.cert_file, pair.key_file)
    except ContentsError as error:
        raise ContentsFault(f"the {pair.path}: its {error.option} {error}", error.hint) from None
    return ClientCertificate(found.chain, seal(found.key))
