"""Decodes `tls` of a forwardAuth middleware, whose certificates are in secrets."""

from __future__ import annotations

from discovery.decoding import values
from discovery.decoding.section import Section, Tree
from discovery.providers.kubernetes.client_certificates import read_client_certificate
from discovery.providers.kubernetes.secrets import ContentsFault, read_authority
from discovery.providers.kubernetes_crd.manifest import Manifest

_FILES = ("ca", "cert", "key")
"""Options of dynamic files that name files of the proxy, which authors of custom resources may not use."""


def read_client_tls(section: Section, manifest: Manifest, effect: str) -> Tree | None:
    """Return the options as dynamic files have them, with a sealed key.

    If one cannot be used, report it and return None; `effect` says what a report entails.
    """
    report = section.report
    options = {name: section.raw(name) for name in section.names if not name.endswith("Secret")}
    for name in _FILES:
        if name in options:
            at = report.at(section.key(name))
            hint = "put the certificates into secrets, and set caSecret or certSecret"
            report.error(f"{at} is unknown, so {effect}", hint)
            return None
    for option in ("caSecret", "certSecret"):
        if not section.raw(option):
            continue
        secret = section.read(option, values.text, "")
        if not secret:
            return None
        try:
            if option == "caSecret":
                options["ca"] = read_authority(secret, manifest)
            else:
                found = read_client_certificate(secret, manifest, manifest.seal)
                options |= {"cert": found.cert_file, "key": found.key_file}
        except ContentsFault as fault:
            fault.report(section, option, effect)
            return None
    return options
