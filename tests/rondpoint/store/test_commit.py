"""Commits of the API's changes; the proposal's id distinguishes a repeated commit from another agent's."""

import redis

from rondpoint.store.admin.commit import Committer
from rondpoint.store.admin.document import read_document
from rondpoint.store.admin.history import Author, HistoryEntry, read_history
from rondpoint.store.keys import Keys

FIELD = "admin/http/services/a"


def entry(version: int, proposal: str) -> HistoryEntry:
    return HistoryEntry(version, 1.5, "PUT services/a", Author("ada"), {}, proposal)


def test_a_repeated_commit_of_the_same_proposal_succeeds_without_a_second_change(
    client: redis.Redis, keys: Keys
) -> None:
    committer = Committer(client, keys)
    assert committer.commit(0, 1, {FIELD: b"one"}, entry(1, "p1"))
    assert committer.commit(0, 1, {FIELD: b"one"}, entry(1, "p1"))
    for version in range(2, 30):
        assert committer.commit(version - 1, version, {FIELD: b"more"}, entry(version, f"p{version}"))
    assert committer.commit(0, 1, {FIELD: b"one"}, entry(1, "p1"))
    assert read_document(client, keys).objects == {FIELD: b"more"}
    assert len(read_history(client, keys)) == 29


def test_a_commit_fails_if_another_proposal_has_made_the_version(client: redis.Redis, keys: Keys) -> None:
    committer = Committer(client, keys)
    assert committer.commit(0, 1, {FIELD: b"one"}, entry(1, "p1"))
    assert not committer.commit(0, 1, {FIELD: b"two"}, entry(1, "p2"))
    assert not committer.commit(0, 1, {FIELD: b"two"}, None)
    assert read_document(client, keys).objects == {FIELD: b"one"}
