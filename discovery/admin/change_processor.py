"""The change processor: takes, validates and commits proposals, one after the other."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import redis
from msgspec.structs import replace

from discovery.admin.local_copy import LocalCopy
from discovery.admin.references import find_references
from discovery.admin.referring import Referring, field_of, is_router, references_of, referring_objects
from discovery.admin.sealed_proposals import with_sealed_keys
from discovery.admin.validation import (
    EntryPointNames,
    ValidationResult,
    changed_objects,
    differences,
    validate,
)
from discovery.certificates.loading import Seal
from rondpoint.settings import Settings
from rondpoint.store.admin.commit import Committer
from rondpoint.store.admin.document import (
    ADMIN,
    Document,
    StoredObject,
    field_name,
    read_document,
    read_version,
)
from rondpoint.store.admin.history import HistoryEntry, read_history
from rondpoint.store.admin.proposals import (
    FieldDiagnostic,
    Proposal,
    ProposalResult,
    publish_result,
    take_proposal,
)
from rondpoint.store.admin.sections import NOUNS, SECTIONS, whole_section
from rondpoint.store.keys import Keys
from rondpoint.store.sealing import sealer_of

logger = logging.getLogger(__name__)

POLL_INTERVAL = 1.0
"""Seconds between two checks that the store still has the document."""

ATTEMPTS = 20
"""The most validations of one proposal, if other agents keep changing the document meanwhile."""

MAX_REFERENCES = 500
"""The most references that are looked up for one proposal; further ones cause no diagnostics."""


class ChangeProcessor:
    """Processes the proposals of one installation; several agents may each run one.

    It keeps the document in memory and in `local_copy`, to restore it if the store loses its data.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        entry_points: EntryPointNames,
        local_copy: LocalCopy,
        *,
        rest: bool = True,
        seal: Seal = str,
    ) -> None:
        """`rest` says whether the provider `rest` is enabled; `seal` seals private keys."""
        self._client = client
        self._keys = keys
        self._entry_points = entry_points
        self._local_copy = local_copy
        self._rest = rest
        self._seal = seal
        self._committer = Committer(client, keys)
        self._known = Document()

    def run(self, stop: threading.Event) -> None:
        """Process proposals until `stop`; after a store error, try again."""
        self._known = self._local_copy.load()
        outage = ""
        while not stop.is_set():
            try:
                self._refresh()
                outage = ""
                proposal = take_proposal(self._client, self._keys, POLL_INTERVAL)
                if proposal is not None:
                    self._process_and_publish(proposal)
            except redis.RedisError as error:
                if str(error) != outage:
                    logger.warning("the API's changes cannot be read: %s", error)
                outage = str(error)
                stop.wait(POLL_INTERVAL)
            except Exception:
                # A bug that one proposal triggers must not end the processing of all others.
                logger.exception("a proposal of the API failed unexpectedly")

    def _refresh(self) -> None:
        """Read the document if it changed; write it again if the store has lost it."""
        version = read_version(self._client, self._keys)
        known = self._known
        if version == known.version:
            return
        if version or not known.version:
            self._known = read_document(self._client, self._keys)
            self._local_copy.save(self._known)
            return
        if self._committer.commit(0, known.version, known.objects, None):
            logger.warning("the store lost the API's routes; version %d was written again", known.version)

    def _process_and_publish(self, proposal: Proposal) -> None:
        publish_result(self._client, self._keys, self._process_proposal(proposal))

    def _process_proposal(self, proposal: Proposal) -> ProposalResult:
        if proposal.action == "replace" and not self._rest:
            off = FieldDiagnostic("the provider rest is off: set providers.rest", error=True)
            return ProposalResult(proposal.id, "missing", self._known.version, diagnostics=(off,))
        proposal = with_sealed_keys(proposal, self._seal)
        for _ in range(ATTEMPTS):
            self._refresh()
            before = self._known
            history = read_history(self._client, self._keys) if proposal.action == "rollback" else []
            validation = validate(proposal, before, history, self._entry_points)
            if validation.outcome == "done" and proposal.action == "delete":
                # Look before the commit: soon after it, the referring objects are no longer published.
                validation = replace(
                    validation, diagnostics=(*validation.diagnostics, *self._find_references(proposal))
                )
            if validation.outcome != "done" or proposal.dry_run:
                return self._make_result(proposal, validation, before, before)
            after = self._commit(proposal, validation, before)
            if after is not None:
                return self._make_result(proposal, validation, before, after)
        return ProposalResult(proposal.id, "conflict", self._known.version)

    def _commit(self, proposal: Proposal, validation: ValidationResult, before: Document) -> Document | None:
        """Commit a change; return the new document, or None if another agent was faster."""
        version = before.version + 1
        changes = _encode_objects(version, validation.values)
        changed = differences(validation, before)
        entry = HistoryEntry(version, time.time(), proposal.what, proposal.by, changed, proposal.id)
        if not self._committer.commit(before.version, version, changes, entry):
            return None
        objects = {**before.objects, **{field: raw for field, raw in changes.items() if raw is not None}}
        for field, raw in changes.items():
            if raw is None:
                objects.pop(field, None)
        self._known = Document(version, objects)
        self._local_copy.save(self._known)
        who = proposal.by.user or proposal.by.address
        logger.info(
            "version %d of the API's routes: %s%s", version, proposal.what, f" by {who}" if who else ""
        )
        return self._known

    def _make_result(
        self, proposal: Proposal, validation: ValidationResult, before: Document, after: Document
    ) -> ProposalResult:
        diagnostics = validation.diagnostics
        if validation.outcome in ("done", "unchanged"):
            diagnostics = (*diagnostics, *self._missing_references(proposal, validation))
        stored = after.stored(field_name(ADMIN, whole_section(proposal.section), proposal.name))
        return ProposalResult(
            proposal.id,
            validation.outcome,
            version=after.version,
            object_version=0 if stored is None else stored.version,
            created=validation.created,
            diagnostics=diagnostics,
            objects=changed_objects(validation, before) if validation.outcome == "done" else {},
        )

    def _find_references(self, proposal: Proposal) -> Iterator[FieldDiagnostic]:
        section = SECTIONS[whole_section(proposal.section)]
        return find_references(self._client, self._keys, section, f"{proposal.name}@{ADMIN}")

    def _missing_references(
        self, proposal: Proposal, validation: ValidationResult
    ) -> Iterator[FieldDiagnostic]:
        """Yield a warning for each reference to an object that does not exist yet."""
        # Objects of different kinds may have the same name.
        defined = {
            (section, item.name)
            for part in validation.decoded
            for section in SECTIONS.values()
            for item in getattr(part, section)
        }
        wanted = [
            (item, section, name)
            for part in validation.decoded
            for item in referring_objects(part)
            for section, name in references_of(item)
            if (section, name) not in defined
        ][:MAX_REFERENCES]
        if not wanted:
            return
        pipeline = self._client.pipeline(transaction=False)
        for _, section, name in wanted:
            pipeline.hexists(getattr(self._keys, section), name)
        for (item, section, name), published in zip(wanted, pipeline.execute(), strict=True):
            bare, _, provider = name.rpartition("@")
            if not published and field_name(provider, _STORED[section], bare) not in self._known.objects:
                path = field_of(section) if is_router(item) else ""
                if proposal.action not in ("put", "patch"):
                    path = item.name
                message = f"{NOUNS[section]} {name} does not exist: {_consequence(item)} until it does"
                yield FieldDiagnostic(message, path)


_STORED = {published: stored for stored, published in SECTIONS.items()}
"""The section of `Configuration` → that of the document."""


def _consequence(item: Referring) -> str:
    return "the router is left out" if is_router(item) else "the service works without it"


def make_change_processor(settings: Settings, client: redis.Redis) -> ChangeProcessor:
    """Return the change processor of an agent; its local copy is in `stateDirectory`, if that is set."""
    namespace, directory = settings.redis.namespace, settings.state_directory
    path = None if directory is None else directory / f"admin-{namespace}.json"
    rest = settings.providers.rest is not None
    points = EntryPointNames(tuple(settings.web_entry_points), tuple(settings.udp_entry_points))
    seal = sealer_of(settings).seal
    return ChangeProcessor(client, Keys(namespace), points, LocalCopy(path), rest=rest, seal=seal)


def _encode_objects(version: int, values: Mapping[str, Any]) -> dict[str, bytes | None]:
    return {
        field: None if value is None else msgspec.json.encode(StoredObject(version, value))
        for field, value in values.items()
    }
