"""The account with a CA: created once, found again by its key."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from msgspec import structs

from discovery.acme.orders.ca_connection import CaConnection, RefusedError
from discovery.acme.orders.failures import FailureKind, OrderError, OrderFailure
from discovery.acme.orders.options import CaOptions
from discovery.acme.orders.private_keys import ACCOUNT_KEY_TYPE, generate_key
from rondpoint.store.acme import AcmeAccount

logger = logging.getLogger(__name__)


def account_for(options: CaOptions, known: AcmeAccount | None) -> AcmeAccount:
    """Return the known account if it belongs to this CA, otherwise a new one that is not registered yet."""
    if known is not None and _host(known.url or known.directory) == _host(options.directory):
        return known
    return AcmeAccount(options.directory, generate_key(ACCOUNT_KEY_TYPE))


class AccountConnection:
    """Requests to a CA as a registered account.

    If the CA does not know the account, it is registered with the same key, and `save` gets it. Only one
    thread may use it. Every method raises OrderError.
    """

    def __init__(
        self,
        options: CaOptions,
        account: AcmeAccount,
        save: Callable[[AcmeAccount], None],
        stop: threading.Event,
    ) -> None:
        self.account = account
        self.ca = CaConnection(options, account.key, stop)
        self._options = options
        self._save = save
        self.ca.use_account(account.url)

    def sign_in(self) -> None:
        """Register the account unless it is registered, and tell the CA a changed email."""
        if not self.account.url:
            self._register()
        elif self.account.email != self._options.email and self._options.email:
            self.post(self.account.url, {"contact": _contact(self._options)}, "the account's new email")
            self._changed(structs.replace(self.account, email=self._options.email))

    def post(self, url: str, body: Mapping[str, Any] | None, subject: str) -> requests.Response:
        """Send a signed request as the account does; a body of None asks for a resource."""
        try:
            return self.ca.post(url, body, subject)
        except RefusedError as error:
            if error.problem.code != "accountDoesNotExist":
                raise
        logger.warning(
            "the authority at %s has forgotten the account; registering it again", self._options.directory
        )
        renewed = url == self.account.url
        self._register()
        return self.ca.post(self.account.url if renewed else url, body, subject)

    def _register(self) -> None:
        self.ca.use_account("")
        body: dict[str, Any] = {"termsOfServiceAgreed": True}
        if self._options.email:
            body["contact"] = _contact(self._options)
        binding = self._options.account_binding
        if binding is not None:
            try:
                body["externalAccountBinding"] = self.ca.bind_account(
                    binding.key_identifier, binding.hmac_key
                )
            except ValueError:
                raise OrderError(
                    OrderFailure(
                        FailureKind.ACCOUNT,
                        "eab.hmacEncoded is not base64url",
                        "copy the key as the authority shows it",
                    )
                ) from None
        try:
            response = self.ca.post(self.ca.directory["newAccount"], body, "the account")
        except RefusedError as error:
            failure = error.failure
            if failure.kind is not FailureKind.REFUSED:
                raise
            hint = failure.hint or (
                "" if binding is None else "check the resolver's eab.kid and eab.hmacEncoded"
            )
            raise OrderError(structs.replace(failure, kind=FailureKind.ACCOUNT, hint=hint)) from None
        url = response.headers.get("Location", "")
        if not url:
            raise OrderError(
                OrderFailure(FailureKind.UNREACHABLE, "the authority sent no URL of the account")
            )
        self.ca.use_account(url)
        self._changed(structs.replace(self.account, url=url, email=self._options.email))

    def _changed(self, account: AcmeAccount) -> None:
        self.account = account
        self._save(account)


def _contact(options: CaOptions) -> list[str]:
    return [f"mailto:{options.email}"]


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
