"""`/api/certificates`: the certificates for clients, as in Traefik 3; never their private keys."""

from __future__ import annotations

from flask import Blueprint, Response, request

from proxy.admin.certificates.known_certificates import KnownCertificates
from proxy.admin.current_configuration import CurrentConfiguration
from proxy.admin.current_worker import runtime
from proxy.admin.json_responses import Refusal, json_response, list_response
from proxy.admin.paging import NEXT, PageError, page_of

certificates = Blueprint("certificates", __name__, url_prefix="/api/certificates")


@certificates.get("")
def list_certificates() -> Response:
    """Return a page of the certificates, and of names that a resolver has no certificate for yet."""
    configuration = CurrentConfiguration(runtime())
    known = KnownCertificates(runtime(), configuration)
    try:
        page = page_of(known.select(request.args), request.args)
    except PageError as error:
        raise Refusal(400, str(error)) from None
    items = (known.view(each) for each in configuration.in_portions(page.items))
    return list_response(items, {NEXT: str(page.next)})


@certificates.get("/<path:name>")
def show_certificate(name: str) -> Response:
    """Return one certificate by its fingerprint or its id."""
    known = KnownCertificates(runtime(), CurrentConfiguration(runtime()))
    found = known.find(name)
    if found is None:
        raise Refusal(404, f"certificate not found: {name}")
    return json_response(known.view(found))
