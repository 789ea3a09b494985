"""Brings files and store together: when an agent begins to lead, and when the store has lost its data."""

from __future__ import annotations

import logging

from msgspec import Struct

from discovery.acme.storage.resolver_files import ResolverFiles
from discovery.acme.store import AcmeContents, AcmeStore
from rondpoint.diagnostics import Diagnostic

logger = logging.getLogger(__name__)


class TakenOver(Struct, frozen=True):
    """The contents of the store after files and store have met.

    `blocked` are resolvers that must not order yet, because their files cannot be used (`TakeOver.blocked`).
    """

    contents: AcmeContents
    blocked: frozenset[str] = frozenset()
    diagnostics: tuple[Diagnostic, ...] = ()


def take_over(store: AcmeStore, files: ResolverFiles) -> TakenOver:
    """Write to the store what only the files have, and to the files what only the store has.

    Private keys that the newest secret has not sealed are sealed again. Raises what AcmeStore raises.
    """
    if count := store.seal_again():
        logger.info("sealed %d private keys of ACME with the newest secret", count)
    contents = store.read()
    missing = files.missing_from(contents)
    if missing.accounts or missing.certificates:
        store.write(accounts=missing.accounts, certificates=missing.certificates)
        contents = store.read()
        logger.info(
            "took over %d accounts and %d certificates from the files of resolvers",
            len(missing.accounts),
            len(missing.certificates),
        )
    diagnostics = (*contents.problems, *missing.diagnostics, *files.save(contents))
    return TakenOver(contents, missing.blocked, tuple(dict.fromkeys(diagnostics)))
