"""Decodes `tls` of a forwardAuth middleware, whose certificates are in secrets."""

from __future__ import annotations

from discovery.decoding import values
from discovery.decoding.section import Section, Tree
from discovery.providers.kubernetes.secrets import ContentsFault, read_authority
from discovery.providers.kubernetes_crd.manifest import Manifest

_FILES = ("ca", "cert", "key")
"""Options of dynamic files that name files of the proxy, which authors of custom resources may not use."""


def read_client_tls(section: Section, manifest: Manifest, effect: str) -> Tree | None:
    """Return the options as dynamic files have them; report one that cannot be used, return None.

    `effect` says what a report entails.
    """
    report = section.report
    options = {name: section.raw(name) for name in section.names if not name.endswith("Secret")}
    for name in _FILES:
        if name in options:
            at = report.at(section.key(name))
            report.error(
                f"{at} is unknown, so {effect}", "put the certificates into a secret, and set caSecret"
            )
            return None
    if section.raw("certSecret"):
        at = report.at(section.key("certSecret"))
        hint = "mount the key in the proxies, and define the middleware in a file"
        report.error(f"{at} is not served: the key would get into the store; {effect}", hint)
        return None
    if not section.raw("caSecret"):
        return options
    name = section.read("caSecret", values.text, "")
    try:
        return {**options, "ca": read_authority(name, manifest)} if name else None
    except ContentsFault as fault:
        fault.report(section, "caSecret", effect)
        return None
