"""Keeps the files of resolvers and the store alike: takes over what the store lacks, and writes the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct, field

from discovery.acme.storage import file
from discovery.acme.storage.account_key import account_key_as_der, account_key_as_pem
from discovery.acme.storage.certificate_checks import valid_until
from discovery.acme.storage.document import (
    Document,
    DocumentError,
    ResolverEntry,
    StoredAccount,
    StoredCertificate,
    parse,
    read_entry,
    render,
    with_entry,
)
from discovery.acme.store import AcmeContents
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.settings import ResolverOptions
from rondpoint.store.acme import AcmeAccount, AcmeCertificate, certificate_id

_ACME_V1_ACCOUNT = re.compile(r"/acme/reg/\d+$")
"""The end of an account's URL at Let's Encrypt's first API, which is gone."""


class TakeOver(Struct, frozen=True):
    """What a file has and the store lacks, for `AcmeStore.write`.

    `blocked` are the resolvers whose files cannot be used although the store has no account of theirs: they
    must not order, because the file may hold the certificates.
    """

    accounts: Mapping[str, AcmeAccount] = field(default_factory=dict)
    certificates: Mapping[str, AcmeCertificate] = field(default_factory=dict)
    blocked: frozenset[str] = frozenset()
    diagnostics: tuple[Diagnostic, ...] = ()


class ResolverFiles:
    """The files that the settings of these resolvers name; resolvers may share a file."""

    def __init__(self, resolvers: Mapping[str, ResolverOptions]) -> None:
        self._resolvers = resolvers
        self._by_path: dict[Path, list[str]] = {}
        for name, options in resolvers.items():
            if options.storage_file is not None:
                self._by_path.setdefault(options.storage_file, []).append(name)

    def missing_from(self, contents: AcmeContents) -> TakeOver:
        """Read the files, and return what is not in the store, or is there with an earlier end."""
        accounts: dict[str, AcmeAccount] = {}
        certificates: dict[str, AcmeCertificate] = {}
        blocked: set[str] = set()
        diagnostics: list[Diagnostic] = []
        for path, names in self._by_path.items():
            try:
                document = _load(path)
            except file.StorageError as error:
                diagnostics += [_fault(name, error) for name in names]
                blocked |= {name for name in names if name not in contents.accounts}
                continue
            served = _served_by(document, names)
            fault = "the file is in Traefik 1's format, which has room for one resolver"
            diagnostics += [_warning(name, path, fault) for name in names if name not in served]
            for name in served:
                entry = read_entry(document, name)
                account = self._account(name, entry.account)
                if account is not None and name not in {*contents.accounts, *contents.unreadable}:
                    accounts[name] = account
                newer, unfit = _newer_certificates(name, entry, contents)
                certificates |= newer
                faults = (
                    *entry.faults,
                    *(f"the certificate of {name} does not fit its key" for name in unfit),
                )
                diagnostics += [_warning(name, path, fault) for fault in faults]
        return TakeOver(accounts, certificates, frozenset(blocked), tuple(diagnostics))

    def save(self, contents: AcmeContents) -> tuple[Diagnostic, ...]:
        """Write the contents of the store to each file that differs; return what failed.

        A file that cannot be read or parsed stays as it is, and so do its parts for other resolvers. What
        the store has and this agent cannot read stays in the file.
        """
        diagnostics: list[Diagnostic] = []
        for path, names in self._by_path.items():
            try:
                document = before = _load(path)
                for name in _served_by(document, names):
                    document = self._updated(document, name, contents)
                if document != before:
                    file.write(path, render(document))
            except file.StorageError as error:
                diagnostics += [_fault(name, error) for name in names]
        return tuple(diagnostics)

    def _account(self, name: str, stored: StoredAccount | None) -> AcmeAccount | None:
        """Return an account of the authority in the settings; Traefik, too, ignores those of another one."""
        directory = self._resolvers[name].ca_server
        if stored is None or _ACME_V1_ACCOUNT.search(stored.url):
            return None
        if stored.url and urlsplit(stored.url).hostname != urlsplit(directory).hostname:
            return None
        return AcmeAccount(directory, stored.key, stored.url, stored.email)

    def _updated(self, document: Document, name: str, contents: AcmeContents) -> Document:
        account = contents.accounts.get(name)
        certificates = {
            identity: StoredCertificate(each.domain, each.chain, each.key)
            for identity, each in sorted(contents.certificates.items())
            if each.resolver == name
        }
        entry = read_entry(document, name)
        present = {certificate_id(name, each.domain): each for each in entry.certificates}
        certificates |= {key: each for key, each in present.items() if key in contents.unreadable}
        wanted = None if account is None else _stored_account(account)
        if wanted in (None, entry.account) and certificates == present:
            return document
        return with_entry(
            document, name, wanted, tuple(certificates.values()), self._resolvers[name].key_type
        )


def _served_by(document: Document, names: Sequence[str]) -> Sequence[str]:
    return names[:1] if document.of_traefik_1 else names


def _newer_certificates(
    resolver: str, entry: ResolverEntry, contents: AcmeContents
) -> tuple[dict[str, AcmeCertificate], list[str]]:
    """Return the certificates that last longer than those in the store, and the names of unusable ones."""
    newer: dict[str, AcmeCertificate] = {}
    unfit: list[str] = []
    for stored in entry.certificates:
        identity = certificate_id(resolver, stored.domain)
        until = valid_until(stored.chain, stored.key)
        if until is None:
            unfit.append(stored.domain.main)
        elif identity not in contents.unreadable:
            present = newer.get(identity) or contents.certificates.get(identity)
            if present is None or until > (valid_until(present.chain, present.key) or 0.0):
                newer[identity] = AcmeCertificate(resolver, stored.domain, stored.chain, stored.key)
    return newer, unfit


def _stored_account(account: AcmeAccount) -> StoredAccount:
    """Return the account, with its key in the one form that a document gives back."""
    return StoredAccount(account_key_as_pem(account_key_as_der(account.key)), account.url, account.email)


def _load(path: Path) -> Document:
    """Read and parse a file. Raises StorageError."""
    try:
        return parse(file.read(path))
    except DocumentError as error:
        raise file.StorageError(
            f"{path} is damaged: {error}", f"restore or remove {path}; Rondpoint does not overwrite it"
        ) from None


def _fault(resolver: str, error: file.StorageError) -> Diagnostic:
    return Diagnostic(Severity.ERROR, "acme", f"resolver {resolver}", str(error), error.hint)


def _warning(resolver: str, path: Path, fault: str) -> Diagnostic:
    return Diagnostic(Severity.WARNING, "acme", f"resolver {resolver}", f"{path}: {fault}")
