"""Reads the authorities and the client certificate of transports, from secrets and config maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from discovery.decoding import values
from discovery.decoding.section import Section
from discovery.providers.kubernetes.client_certificates import read_client_certificate
from discovery.providers.kubernetes.secrets import (
    ContentsFault,
    read_authority,
    read_authority_of_config_map,
)
from discovery.providers.kubernetes_crd.manifest import Manifest
from rondpoint.model import ClientCertificate

# In lower case: names of options are case-insensitive, and no spelling may name a file of the proxy.
_OWN = ("rootcas", "rootcassecrets", "certificatessecrets", "certificates")

_NONE: tuple[str, ...] = ()


class TransportSecrets:
    """Reads `section`; `faults` say why services with this transport are closed, `effect` what that means."""

    def __init__(self, section: Section, manifest: Manifest, effect: str) -> None:
        self._section = section
        self._manifest = manifest
        self._effect = effect
        self.faults: list[str] = []

    def other_options(self) -> dict[str, object]:
        """Return the options that dynamic files have in the same form."""
        return {name: self._section.raw(name) for name in self._section.names if name.lower() not in _OWN}

    def authorities(self) -> list[str]:
        """Return the certificates of authorities."""
        section, found = self._section, []
        sources = list(_sources(section))
        if len(sources) != sum(map(_count, (section.raw("rootCAs"), section.raw("rootCAsSecrets")))):
            self.faults.append("rootCAs is not valid")
        for place, option, read in sources:
            source = place.read(option, values.text, "")
            if not source:
                at = place.report.at(place.path)
                place.report.error(f"{at} names neither a secret nor a config map, so {self._effect}")
                self.faults.append(f"{at} is not valid")
                continue
            try:
                found.append(read(source, self._manifest))
            except ContentsFault as fault:
                fault.report(place, option, self._effect)
                self.faults.append(str(fault))
        return found

    def certificate(self) -> ClientCertificate | None:
        """Return the client certificate with its sealed key."""
        section = self._section
        if section.has("certificates"):
            # The files would be those of the proxy, which authors of custom resources may not use.
            at = section.report.at(section.key("certificates"))
            hint = "put the certificate into a secret, and set certificatesSecrets"
            section.report.error(f"{at} is unknown, so {self._effect}", hint)
            self.faults.append("certificates is unknown")
        secrets = section.read("certificatesSecrets", values.texts, _NONE)
        if len(secrets) == 1:
            try:
                return read_client_certificate(secrets[0], self._manifest, self._manifest.seal)
            except ContentsFault as fault:
                fault.report(section, "certificatesSecrets", self._effect)
                self.faults.append(str(fault))
        elif section.raw("certificatesSecrets"):
            at = section.report.at(section.key("certificatesSecrets"))
            hint = "name one secret, and define another transport for servers that need another certificate"
            section.report.error(f"{at} does not name one secret, so {self._effect}", hint)
            self.faults.append("certificatesSecrets does not name one secret")
        return None


def _count(written: object) -> int:
    return len(written) if isinstance(written, (list, tuple)) else int(bool(written))


def _sources(spec: Section) -> Iterator[tuple[Section, str, Callable[[str, Manifest], str]]]:
    """Yield a section and the option in it that names a secret or config map, for each authority."""
    for index, name in enumerate(spec.read("rootCAsSecrets", values.texts, _NONE)):
        path = spec.key("rootCAsSecrets")
        yield Section({str(index): name}, path, spec.report), str(index), read_authority
    for item in spec.items("rootCAs"):
        # A secret counts before a config map.
        option = "secret" if item.raw("secret") else "configMap"
        yield item, option, read_authority if option == "secret" else read_authority_of_config_map
