"""The middleware passTLSClientCert."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from proxy.client_certificates.certificates import ClientCertificates
from proxy.http1.errors import RequestError
from proxy.http1.request import Request
from proxy.middlewares.pass_tls_client_cert import pass_tls_client_cert
from proxy.middlewares.step import Client
from rondpoint.middlewares.canonical import add_defaults
from tests.proxy.client_certificates.samples import SAMPLES

PEM, INFO = "X-Forwarded-Tls-Client-Cert", "X-Forwarded-Tls-Client-Cert-Info"
INFO_OPTIONS = {"info": {"subject": {"commonName": True}}}
CLIENT = ClientCertificates(SAMPLES["a common name"].der)


def sent(
    options: dict[str, Any], certificates: ClientCertificates | None, *given: tuple[str, str]
) -> list[tuple[str, str]]:
    """Return the headers that the server gets if the request has the `given` ones."""
    request = Request()
    request.headers = "".join(f"\r\n{name}: {value}" for name, value in given).encode()
    client = SimpleNamespace(stream=SimpleNamespace(client_certificates=certificates))
    step = pass_tls_client_cert(add_defaults("passTLSClientCert", options))
    step(request, cast("Client", client))
    return [
        cast("tuple[str, str]", tuple(line.split(": ")))
        for line in request.headers.decode().split("\r\n")[1:]
    ]


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, []),
        ({"pem": True}, [PEM]),
        (INFO_OPTIONS, [INFO]),
        ({"pem": True, **INFO_OPTIONS}, [PEM, INFO]),
        ({"pem": True, **INFO_OPTIONS, "traefik1Format": True}, [PEM, f"{INFO}s"]),
    ],
)
def test_the_options_choose_the_headers(options: dict[str, Any], names: list[str]) -> None:
    assert [name for name, _ in sent(options, CLIENT, ("A", "b"))] == ["A", *names]
    assert sent(options, None, ("A", "b")) == [("A", "b")]


def test_headers_of_a_trusted_proxy_stay_where_this_client_has_no_certificate() -> None:
    given = ((PEM, "of its client"), (INFO.lower(), "too"))
    options = {"pem": True, **INFO_OPTIONS}
    assert sent(options, None, *given) == list(given)
    found = sent(options, CLIENT, *given)
    assert [name for name, _ in found] == [PEM, INFO]
    assert "of its client" not in str(found)


@pytest.mark.parametrize("certificates", [None, CLIENT])
def test_traefik_1_removes_such_headers_always(certificates: ClientCertificates | None) -> None:
    given = ((PEM.lower(), "x"), (f"{INFO}s", "x"), (INFO, "of Traefik 3"))
    assert sent({"traefik1Format": True}, certificates, *given) == [(INFO, "of Traefik 3")]


def test_a_malformed_certificate_is_refused() -> None:
    with pytest.raises(RequestError, match="the client certificate is malformed") as caught:
        sent(INFO_OPTIONS, ClientCertificates((b"\x30\x00",)))
    assert caught.value.status == 400
