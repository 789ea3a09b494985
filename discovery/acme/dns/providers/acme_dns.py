"""The provider `acme-dns`: an acme-dns server, to which the domains' CNAME records delegate."""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from discovery.acme.dns.errors import ConfigurationError, ProviderError
from discovery.acme.dns.providers.contract import Setup
from discovery.acme.dns.providers.http_api import HttpApi
from discovery.acme.dns.records import ChallengeRecord, record_name
from discovery.acme.dns.timing import Timing, read_timing

PREFIX = "ACME_DNS"
STORAGE_HINT = "set it to a file that only the agent can read; Rondpoint creates it"

_storage = threading.Lock()
"""Held while an account is looked up or added, since orders run in several threads."""


class Account(Struct):
    """One domain's account at the server. Its fields are those of lego's file."""

    fulldomain: str
    subdomain: str
    username: str
    password: str
    server_url: str = ""


class AcmeDns:
    """Updates the TXT record of a domain's account; the server keeps the last two values.

    Accounts are in the file that ACME_DNS_STORAGE_PATH names, in lego's form. A domain without one is
    registered, and the error then names the CNAME record to create.
    """

    one_value = False
    timeout_variable = f"{PREFIX}_PROPAGATION_TIMEOUT"

    def __init__(self, setup: Setup) -> None:
        """Read the variables. Raises ConfigurationError if they are incomplete or not supported."""
        environment = setup.environment
        self.timing = read_timing(environment, Timing(), PREFIX)
        self._environment = environment
        base = environment.text("ACME_DNS_API_BASE")
        if not base:
            raise ConfigurationError(
                "ACME_DNS_API_BASE is not set", "set it to the URL of your acme-dns server"
            )
        if environment.text("ACME_DNS_STORAGE_BASE_URL"):
            raise ConfigurationError(
                "ACME_DNS_STORAGE_BASE_URL is not supported", "set ACME_DNS_STORAGE_PATH to a file instead"
            )
        path = environment.text("ACME_DNS_STORAGE_PATH")
        if not path:
            raise ConfigurationError("ACME_DNS_STORAGE_PATH is not set", STORAGE_HINT)
        self._path = Path(path)
        allowed = environment.text("ACME_DNS_ALLOWLIST").split(",")
        self._allowed = [each.strip() for each in allowed if each.strip()]
        self._url = base.rstrip("/")
        self._api = HttpApi(
            base,
            "ACME_DNS_API_BASE",
            timeout=self.timing.http_timeout,
            environment=environment,
            stop=setup.stop,
        )

    def present(self, record: ChallengeRecord) -> None:
        """Update the record of the domain's account."""
        with _storage:
            account = self._find(record.challenge.name)
            is_new = account is None
            account = account or self._register(record.challenge.name)
        if is_new:
            raise ConfigurationError(
                f"a new account of acme-dns needs a CNAME record: "
                f"{record_name(record.challenge)} CNAME {account.fulldomain}.",
                "create it; the next attempt finds it",
            )
        self._environment.mask(account.password)
        self._api.post(
            "/update",
            {"subdomain": account.subdomain, "txt": record.value},
            {"X-Api-User": account.username, "X-Api-Key": account.password},
        )

    def clean_up(self, record: ChallengeRecord) -> None:
        """Do nothing: the server's API deletes no records, later values replace earlier ones."""

    def _find(self, domain: str) -> Account | None:
        fields = self._accounts().get(domain)
        try:
            return None if fields is None else msgspec.convert(fields, Account)
        except msgspec.ValidationError as error:
            raise self._invalid(error) from None

    def _register(self, domain: str) -> Account:
        # Each registration makes an account that nobody can delete, so it must be possible to store it.
        self._save(self._accounts())
        response = self._api.post("/register", {"allowfrom": self._allowed} if self._allowed else None)
        try:
            account = msgspec.json.decode(response.content, type=Account)
        except msgspec.DecodeError as error:
            raise ProviderError(f"acme-dns: unexpected response to a registration: {error}") from None
        account.server_url = self._url
        self._save({**self._accounts(), domain: msgspec.to_builtins(account)})
        return account

    def _accounts(self) -> dict[str, dict[str, Any]]:
        """Return the accounts by domain, with fields that Rondpoint does not know."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, dict[str, Any]])
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise ConfigurationError(
                f"ACME_DNS_STORAGE_PATH: cannot read {self._path}: {error.strerror}"
            ) from None
        except msgspec.DecodeError as decode_error:
            raise self._invalid(decode_error) from None

    def _invalid(self, error: msgspec.DecodeError) -> ConfigurationError:
        return ConfigurationError(f"ACME_DNS_STORAGE_PATH: {self._path}: {error}")

    def _save(self, accounts: dict[str, dict[str, Any]]) -> None:
        try:
            # The new file, with mode 0600, replaces the old one whole: a crash loses no account.
            with tempfile.NamedTemporaryFile(dir=self._path.parent, delete=False) as file:
                file.write(msgspec.json.format(msgspec.json.encode(accounts), indent=2))
                file.flush()
                os.fsync(file.fileno())
            Path(file.name).replace(self._path)
        except OSError as error:
            raise ConfigurationError(
                f"ACME_DNS_STORAGE_PATH: cannot write {self._path}: {error.strerror}", STORAGE_HINT
            ) from None
