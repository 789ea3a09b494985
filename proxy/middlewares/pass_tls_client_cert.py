"""The middleware passTLSClientCert, as in Traefik 3 and 1: the client's certificate in headers."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from proxy.client_certificates.certificates import ClientCertificates, load_library, pem_value
from proxy.client_certificates.wanted_info import WantedInfo, read_wanted
from proxy.http1.errors import RequestError
from proxy.http1.header_lines import with_value, without
from proxy.middlewares.step import Client, Step, kind

if TYPE_CHECKING:
    from proxy.http1.request import Request

_PEM = b"X-Forwarded-Tls-Client-Cert"
_INFO = b"X-Forwarded-Tls-Client-Cert-Info"
_INFOS_OF_TRAEFIK_1 = b"X-Forwarded-Tls-Client-Cert-Infos"


def added_headers(options: Mapping[str, Any]) -> list[bytes]:
    """Return the names of the headers that these options add: of certificates first, then of their parts."""
    found = [_PEM] if options["pem"] else []
    if "info" in options:
        found.append(_INFOS_OF_TRAEFIK_1 if options["traefik1Format"] else _INFO)
    return found


@kind("passTLSClientCert")
def pass_tls_client_cert(options: Mapping[str, Any]) -> Step:
    """Pass on the certificates with `pem`, and parts of them with `info`.

    No request of a client has headers of these names, but that of a trusted proxy may. As in Traefik 3, they
    stay if the client of this connection has no certificate.
    """
    traefik_1 = options["traefik1Format"]
    names = added_headers(options)
    made: list[tuple[bytes, Hashable, Callable[[ClientCertificates], bytes]]] = []
    if options["pem"]:
        made.append((names[0], traefik_1, partial(pem_value, traefik_1=traefik_1)))
    if "info" in options:
        wanted = read_wanted(options["info"], traefik_1=traefik_1)
        made.append((names[-1], wanted, partial(_info, wanted=wanted)))
    # As in Traefik 1.
    removed = (_PEM, _INFOS_OF_TRAEFIK_1) if traefik_1 else ()

    def step(request: Request, client: Client) -> None:
        headers = request.headers
        for name in removed:
            headers = without(headers, name)
        certificates = client.stream.client_certificates
        if certificates is not None:
            for name, key, make in made:
                try:
                    headers = with_value(headers, name, certificates.text(key, make))
                except ValueError as error:
                    raise RequestError(400, f"the client certificate is malformed: {error}") from None
        request.headers = headers

    return step


def _info(client: ClientCertificates, wanted: WantedInfo) -> bytes:
    """Return the value of the header with what is wanted. Raises ValueError for malformed certificates."""
    load_library()
    from proxy.client_certificates.info_value import info_value  # noqa: PLC0415

    return info_value(client, wanted)
