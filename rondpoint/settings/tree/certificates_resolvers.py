"""The settings of certificates resolvers, which obtain certificates from a certificate authority by ACME."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

from rondpoint.settings.declaration import Field, Parse
from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import Domains, PositiveInt, Seconds, Switch, Text, Texts, parse_text

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
"""The directory of Let's Encrypt, the default authority."""

KeyType = Literal["EC256", "EC384", "RSA2048", "RSA4096", "RSA8192"]
"""The kind of a certificate's private key, in Traefik's words."""

ChallengeType = Literal["tls-alpn-01", "http-01", "dns-01"]
"""How an authority checks that a name is ours, in the words of RFC 8555 and RFC 8737."""


def _parse_key_type(value: object) -> str:
    text = parse_text(value).strip().upper()
    if text not in get_args(KeyType):
        raise ValueError("expected one of " + ", ".join(get_args(KeyType)))
    return text


def _parse_directory(value: object) -> str:
    url = parse_text(value).strip()
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(f"expected the URL of an ACME directory, such as {LETS_ENCRYPT}")
    return url


class ExternalAccount(Section):
    """The account at the authority to which the ACME account is bound, if the authority requires one."""

    kid: Text = Field(default="", description="The key identifier from the authority.")
    hmac_encoded: Text = Field(default="", description="The HMAC key from the authority, in base64url.")


class HttpChallenge(Section):
    """Prove names by the HTTP challenge."""

    entry_point: Text = Field(
        default="",
        description="Required. The entry point that the authority reaches on port 80; it responds to the "
        "challenges before all routers and redirections.",
    )
    delay: Seconds = Field(
        default=0.0, description="Time to wait before the authority is told that the challenge is ready."
    )


class TlsChallenge(Section):
    """Prove names by the TLS challenge (TLS-ALPN-01), on the entry point that is reached on port 443."""

    delay: Seconds = Field(
        default=0.0, description="Time to wait before the authority is told that the challenge is ready."
    )


class Propagation(Section):
    disable_checks: Switch = Field(
        default=False,
        description="Do not check that the record can be seen before the authority is told that it is ready.",
    )
    disable_ans_checks: Switch = Field(
        default=False, description="Do not require that the zone's own name servers have the record."
    )
    require_all_rns: Switch = Field(
        default=False, description="Require that all `resolvers` have the record."
    )
    delay_before_checks: Seconds = Field(default=0.0, description="Time to wait before the first check.")


class DnsChallenge(Section):
    """Prove names by records in the DNS; the only challenge for wildcards."""

    provider: Text = Field(
        default="", description="Required. The DNS provider, by the name that Traefik has for it."
    )
    resolvers: Texts = Field(
        default=(),
        description="DNS servers, `HOST` or `HOST:PORT`, that find the zone and check the record; by default "
        "the system's.",
    )
    propagation: Propagation = Propagation()
    delay_before_check: Seconds = Field(
        default=0.0, description="The older spelling of `propagation.delayBeforeChecks`, which wins."
    )
    disable_propagation_check: Switch = Field(
        default=False, description="The older spelling of `propagation.disableChecks`."
    )

    @property
    def checks_propagation(self) -> bool:
        """Whether to check that the record can be seen, in whichever spelling it is set."""
        return not (self.propagation.disable_checks or self.disable_propagation_check)

    @property
    def seconds_before_checks(self) -> float:
        """The seconds to wait before the first check, in whichever spelling they are set."""
        return self.propagation.delay_before_checks or self.delay_before_check


class ResolverOptions(Section):
    """Obtain certificates by ACME (RFC 8555), and renew them."""

    email: Text = Field(default="", description="The address to which the authority writes.")
    ca_server: Annotated[str, Parse(_parse_directory)] = Field(
        default=LETS_ENCRYPT, description="The URL of the authority's ACME directory."
    )
    ca_certificates: Texts = Field(
        default=(),
        description="Files of the certificate authorities that must have signed the ACME server's own "
        "certificate; by default the system's, or those in `LEGO_CA_CERTIFICATES`.",
    )
    ca_system_cert_pool: Switch = Field(
        default=False, description="Trust the system's authorities besides `caCertificates`."
    )
    ca_server_name: Text = Field(
        default="", description="The name that the ACME server's certificate must have, instead of its host."
    )
    storage: Text = Field(
        default="acme.json",
        description="The file in which the leading agent keeps a copy of account and certificates, in "
        "Traefik's format and with mode 0600. When an agent begins to lead, it takes over what the store "
        "lacks ([more](../certificates.md#the-file-of-a-resolver)). An empty value keeps them in the store "
        "alone.",
    )
    key_type: Annotated[KeyType, Parse(_parse_key_type)] = Field(
        default="RSA4096",
        description="The private keys of certificates: `EC256`, `EC384`, `RSA2048`, `RSA4096` or `RSA8192`.",
    )
    certificates_duration: PositiveInt = Field(
        default=2160,
        description="Has no effect: Rondpoint reads from each certificate how long it is valid.",
    )
    preferred_chain: Text = Field(
        default="",
        description="Of several chains that the authority offers, prefer the one whose topmost certificate "
        "has an issuer of this common name.",
    )
    profile: Text = Field(default="", description="The profile to order, if the authority has profiles.")
    email_addresses: Texts = Field(default=(), description="E-mail addresses in the request (CSR).")
    disable_common_name: Switch = Field(
        default=False, description="Leave the common name in the request (CSR) empty."
    )
    eab: ExternalAccount | None = None
    http_challenge: HttpChallenge | None = None
    tls_challenge: TlsChallenge | None = None
    dns_challenge: DnsChallenge | None = None
    client_timeout: Seconds = Field(
        default=120.0, description="Time limit for a request to the ACME server, with its response."
    )
    client_response_header_timeout: Seconds = Field(
        default=30.0, description="Time limit for the ACME server to begin its response."
    )
    certificate_timeout: Seconds = Field(
        default=30.0, description="Time limit for the authority to issue a certificate after all challenges."
    )
    domains: Domains = Field(
        default=(),
        description="Traefik 1: certificates to order without a router: tables with `main` and `sans`, or "
        "`main.test,san.test`.",
    )
    entry_point: Text = Field(default="", description="Traefik 1: the entry point of `onHostRule`.")
    on_host_rule: Switch = Field(
        default=False,
        description="Traefik 1: the same as `entryPoints.NAME.http.tls.certResolver` for `entryPoint`.",
    )

    @property
    def challenges(self) -> tuple[ChallengeType, ...]:
        """The challenges that are configured, in the order in which they are tried."""
        http, dns = self.http_challenge, self.dns_challenge
        usable: dict[ChallengeType, bool] = {
            "tls-alpn-01": self.tls_challenge is not None,
            "http-01": http is not None and bool(http.entry_point),
            "dns-01": dns is not None and bool(dns.provider),
        }
        return tuple(name for name, is_usable in usable.items() if is_usable)

    @property
    def storage_file(self) -> Path | None:
        """The file with account and certificates, if there is one."""
        return Path(self.storage) if self.storage.strip() else None


class CertificatesResolver(Section):
    """The certificates resolver NAME."""

    acme: ResolverOptions | None = None
