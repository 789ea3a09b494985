"""Decodes TLSStores, of which only those called `default` count, and certificates in secrets."""

from __future__ import annotations

from msgspec.structs import replace

from discovery.decoding import values
from discovery.decoding.decoded import Decoded
from discovery.decoding.section import Section
from discovery.decoding.written_pair import WrittenPair
from discovery.dynamic.tls import DEFAULT_STORE, read_store
from discovery.providers.kubernetes.secrets import ContentsFault, read_key_pair
from discovery.providers.kubernetes_crd.manifest import Manifest
from discovery.providers.kubernetes_crd.names import PROVIDER


def read_pair(
    secret: str, section: Section, option: str, manifest: Manifest, *, default: bool = False
) -> WrittenPair | None:
    """Return the certificate and key in a secret; report at `option` why there is none, and return None."""
    try:
        return replace(read_key_pair(secret, manifest), default=default)
    except ContentsFault as fault:
        fault.report(section, option, "the certificate is left out")
        return None


def decode_tls_store(manifest: Manifest) -> Decoded:
    """Decode the certificates of a TLSStore."""
    spec, report = manifest.spec, manifest.report
    if manifest.name != DEFAULT_STORE:
        hint = f"there is only the store {DEFAULT_STORE}, as in Traefik; name it {DEFAULT_STORE}"
        report.error("it is left out, with its certificates", hint)
        return Decoded(manifest.subject, diagnostics=report.diagnostics)
    sections = [(item, False) for item in spec.items("certificates")]
    default = spec.section("defaultCertificate")
    if default is not None:
        sections.append((default, True))
    pairs = [pair for item, is_default in sections if (pair := _read(item, manifest, is_default)) is not None]
    generated = spec.raw("defaultGeneratedCert")
    spec.finish()
    tree = {} if generated is None else {"defaultGeneratedCert": generated}
    requests = read_store(Section(tree, spec.path, report), PROVIDER)
    return Decoded(
        manifest.subject, diagnostics=report.diagnostics, pairs=tuple(pairs), certificates=requests
    )


def _read(section: Section, manifest: Manifest, default: bool) -> WrittenPair | None:
    secret = section.read("secretName", values.text, "")
    section.finish()
    return read_pair(secret, section, "secretName", manifest, default=default) if secret else None
