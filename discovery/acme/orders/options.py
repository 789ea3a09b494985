"""What the settings of a resolver say about its CA and its certificates."""

from __future__ import annotations

from msgspec import Struct

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"


class ExternalAccountBinding(Struct, frozen=True):
    """An account with the CA that exists outside ACME: its key identifier, and its key in base64url."""

    key_identifier: str
    hmac_key: str

    def __repr__(self) -> str:
        # The key must not get into logs.
        return f"ExternalAccountBinding({self.key_identifier!r})"


class CaOptions(Struct, frozen=True):
    """A CA and how to reach it.

    `directory` is the URL of its directory. `root_cas` hold files or PEM texts of authorities that its
    HTTPS certificate may come from; without any, those of the system. `system_cas` adds those of the system.
    `server_name` replaces the host of the URL in the check of its certificate. Times are in seconds:
    `timeout` for one whole request, `header_timeout` for the head of its response.
    """

    directory: str = LETS_ENCRYPT
    root_cas: tuple[str, ...] = ()
    system_cas: bool = False
    server_name: str = ""
    email: str = ""
    account_binding: ExternalAccountBinding | None = None
    timeout: float = 120.0
    header_timeout: float = 30.0


class CertificateOptions(Struct, frozen=True):
    """What a certificate should be like.

    `key_type` is `EC256`, `EC384`, `RSA2048`, `RSA4096` or `RSA8192`. `preferred_chain` is the common name
    of the issuer of the last certificate in the chain, if the CA offers several chains. `profile` is one of
    the CA's profiles. With `common_name`, the subject has the first name. `emails` are added to the names.
    `timeout` is how many seconds the CA may take to issue.
    """

    key_type: str = "RSA4096"
    preferred_chain: str = ""
    profile: str = ""
    common_name: bool = True
    emails: tuple[str, ...] = ()
    timeout: float = 30.0
