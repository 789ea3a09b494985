"""Where proposals are taken, judged, and committed, one after the other."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec
import redis
from msgspec.structs import replace

from discovery.admin.local_copy import Keeper
from discovery.admin.references import missed
from discovery.admin.validation import Judgement, changed_objects, differences, judge
from discovery.decoding.decoded import Decoded
from rondpoint.model import Router, Service
from rondpoint.settings import Settings
from rondpoint.store.admin.commit import Committer
from rondpoint.store.admin.document import ADMIN, Document, Stored, field_of, read_document, read_version
from rondpoint.store.admin.history import Entry, read_history
from rondpoint.store.admin.proposals import Finding, Proposal, Verdict, answer, take
from rondpoint.store.keys import Keys

logger = logging.getLogger(__name__)

PATIENCE = 1.0
"""Seconds between two looks at whether the store still has what was defined."""

ATTEMPTS = 20
"""How often a proposal is judged anew because another agent has changed something meanwhile."""

CHECKED = 500
"""References looked up for one proposal; of further ones nothing is said."""


class Desk:
    """Serves the proposals of one installation; several agents may each have one.

    What was defined is kept in memory, and by `keeper`, for a store that loses its data.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        entry_points: Collection[str],
        keeper: Keeper,
        *,
        rest: bool = True,
    ) -> None:
        """`rest` tells whether the provider of that name is on."""
        self._client = client
        self._keys = keys
        self._entry_points = entry_points
        self._keeper = keeper
        self._rest = rest
        self._committer = Committer(client, keys)
        self._known = Document()

    def run(self, stop: threading.Event) -> None:
        """Work until `stop`; store faults are waited out."""
        self._known = self._keeper.kept()
        outage = ""
        while not stop.is_set():
            try:
                self._look()
                outage = ""
                proposal = take(self._client, self._keys, PATIENCE)
                if proposal is not None:
                    self._serve(proposal)
            except redis.RedisError as error:
                if str(error) != outage:
                    logger.warning("the API's changes cannot be read: %s", error)
                outage = str(error)
                stop.wait(PATIENCE)
            except Exception:
                # One proposal's fault must not end the service for all.
                logger.exception("a proposal of the API failed unexpectedly")

    def _look(self) -> None:
        """See what is defined, and write it again where the store has lost it."""
        version = read_version(self._client, self._keys)
        known = self._known
        if version == known.version:
            return
        if version or not known.version:
            self._known = read_document(self._client, self._keys)
            self._keeper.keep(self._known)
            return
        if self._committer.commit(0, known.version, known.objects, None):
            logger.warning(
                "the store had lost what the API defined: version %d is written anew", known.version
            )

    def _serve(self, proposal: Proposal) -> None:
        answer(self._client, self._keys, self._verdict(proposal))

    def _verdict(self, proposal: Proposal) -> Verdict:
        if proposal.action == "replace" and not self._rest:
            off = Finding("the provider rest is off: set providers.rest", error=True)
            return Verdict(proposal.id, "missing", self._known.version, findings=(off,))
        for _ in range(ATTEMPTS):
            self._look()
            before = self._known
            history = read_history(self._client, self._keys) if proposal.action == "rollback" else []
            judgement = judge(proposal, before, history, self._entry_points)
            if judgement.outcome == "done" and proposal.action == "delete" and proposal.section != "routers":
                # Before it is done: what refers to it is published no longer soon after.
                judgement = replace(judgement, findings=(*judgement.findings, *self._missed(proposal)))
            if judgement.outcome != "done" or proposal.dry:
                return self._told(proposal, judgement, before, before)
            after = self._committed(proposal, judgement, before)
            if after is not None:
                return self._told(proposal, judgement, before, after)
        return Verdict(proposal.id, "conflict", self._known.version)

    def _committed(self, proposal: Proposal, judgement: Judgement, before: Document) -> Document | None:
        """The document after it; None when another agent has been faster."""
        version = before.version + 1
        changes = _encoded(version, judgement.values)
        changed = differences(judgement, before)
        entry = Entry(version, time.time(), proposal.what, proposal.by, changed, proposal.id)
        if not self._committer.commit(before.version, version, changes, entry):
            return None
        objects = {**before.objects, **{field: raw for field, raw in changes.items() if raw is not None}}
        for field, raw in changes.items():
            if raw is None:
                objects.pop(field, None)
        self._known = Document(version, objects)
        self._keeper.keep(self._known)
        who = proposal.by.user or proposal.by.address
        logger.info(
            "version %d of what the API defines: %s%s", version, proposal.what, f" by {who}" if who else ""
        )
        return self._known

    def _told(self, proposal: Proposal, judgement: Judgement, before: Document, after: Document) -> Verdict:
        findings = judgement.findings
        if judgement.outcome in ("done", "unchanged"):
            findings = (*findings, *self._dangling(proposal, judgement))
        stored = after.stored(field_of("admin", f"http/{proposal.section}", proposal.name))
        return Verdict(
            proposal.id,
            judgement.outcome,
            version=after.version,
            object_version=0 if stored is None else stored.version,
            created=judgement.created,
            findings=findings,
            objects=changed_objects(judgement, before) if judgement.outcome == "done" else {},
        )

    def _missed(self, proposal: Proposal) -> Iterator[Finding]:
        kind = proposal.section.removesuffix("s")
        return missed(self._client, self._keys, kind, f"{proposal.name}@{ADMIN}")

    def _dangling(self, proposal: Proposal, judgement: Judgement) -> Iterator[Finding]:
        """References to what does not exist yet."""
        own = {service.name for part in judgement.decoded for service in part.services}
        own |= {middleware.name for part in judgement.decoded for middleware in part.middlewares}
        wanted: list[tuple[Router | Service, str, str]] = [
            (item, kind, name)
            for part in judgement.decoded
            for item in _referring(part)
            for kind, name in _references(item)
            if name not in own
        ][:CHECKED]
        if not wanted:
            return
        pipeline = self._client.pipeline(transaction=False)
        for _, kind, name in wanted:
            pipeline.hexists(self._keys.services if kind == "service" else self._keys.middlewares, name)
        for (item, kind, name), published in zip(wanted, pipeline.execute(), strict=True):
            bare, _, provider = name.rpartition("@")
            if not published and field_of(provider, f"http/{kind}s", bare) not in self._known.objects:
                path = "service" if kind == "service" else "middlewares"
                at = path if isinstance(item, Router) else ""
                if proposal.action not in ("put", "patch"):
                    at = item.name
                yield Finding(f"{kind} {name} does not exist: {_consequence(item)} until it does", at)


def _referring(part: Decoded) -> Iterator[Router | Service]:
    yield from part.routers
    yield from part.services


def _consequence(item: Router | Service) -> str:
    return "the router is left out" if isinstance(item, Router) else "the service does without it"


def desk(settings: Settings, client: redis.Redis) -> Desk:
    """The one of an agent with these settings; what it keeps is below `stateDirectory`, if that is set."""
    namespace, directory = settings.redis.namespace, settings.state_directory
    path = None if directory is None else directory / f"admin-{namespace}.json"
    rest = settings.providers.rest is not None
    return Desk(client, Keys(namespace), tuple(settings.web_entry_points), Keeper(path), rest=rest)


def _references(item: Router | Service) -> Iterator[tuple[str, str]]:
    if isinstance(item, Router):
        yield "service", item.service
    else:
        yield from (("service", member.name) for member in item.members)
    yield from (("middleware", name) for name in item.middlewares)


def _encoded(version: int, values: Mapping[str, Any]) -> dict[str, bytes | None]:
    return {
        field: None if value is None else msgspec.json.encode(Stored(version, value))
        for field, value in values.items()
    }
