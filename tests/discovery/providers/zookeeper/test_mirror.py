"""The copy of a tree of znodes, on a tree in memory."""

from collections.abc import Sequence

import pytest

from discovery.providers.errors import NotPermittedError, ProviderError
from discovery.providers.zookeeper.mirror import Mirror
from discovery.providers.zookeeper_client.records import (
    Code,
    Event,
    EventKind,
    Failure,
    Operation,
    ReadResult,
    Znode,
)


class Tree:
    """A tree of znodes; its methods that change it return the events of a recursive watch."""

    def __init__(self, *paths: str) -> None:
        self.reads: list[str] = []
        self.failures: dict[str, int] = {}
        self._values: dict[str, bytes] = {}
        self._parents: set[str] = set()
        for path in paths:
            self.put(path, b"1")

    def put(self, path: str, value: bytes) -> list[Event]:
        """Set a value, and create the znodes above it."""
        parent = path.rpartition("/")[0]
        events = self.put(parent, b"") if parent and parent not in self._values else []
        self._parents.add(parent)
        kind = EventKind.CHANGED if path in self._values else EventKind.CREATED
        self._values[path] = value
        return [*events, Event(kind, path)]

    def delete(self, path: str) -> list[Event]:
        del self._values[path]
        self._parents.discard(path)
        return [Event(EventKind.DELETED, path)]

    def read(self, operation: Operation, paths: Sequence[str]) -> list[ReadResult]:
        self.reads += paths
        return [self._read(operation, path) for path in paths]

    def _read(self, operation: Operation, path: str) -> ReadResult:
        if path in self.failures:
            return Failure(self.failures[path])
        if path not in self._values:
            return Failure(Code.NO_NODE)
        children = [each for each in self._values if each.rpartition("/")[0] == path]
        if operation == Operation.GET_CHILDREN:
            return [each.rpartition("/")[2] for each in children]
        return Znode(self._values[path], len(children), path in self._parents)


def test_all_keys_are_loaded_and_folders_are_none() -> None:
    tree = Tree("/t/http/routers/r/rule", "/t/http/services/s", "/other/x")
    assert Mirror("/t", tree).load() == {"t/http/routers/r/rule": b"1", "t/http/services/s": b"1"}


def test_a_root_that_does_not_exist_has_no_keys_until_it_is_created() -> None:
    tree = Tree()
    mirror = Mirror("/t", tree)
    assert mirror.load() == {}
    assert mirror.apply(tree.put("/t/a/b", b"1")) == {"t/a/b": b"1"}


def test_the_root_itself_is_no_key() -> None:
    tree = Tree("/t")
    mirror = Mirror("/t", tree)
    assert mirror.load() == {}
    assert mirror.apply(tree.put("/t", b"2")) == {}


def test_a_value_with_children_is_a_key() -> None:
    tree = Tree("/t/a", "/t/a/b")
    assert Mirror("/t", tree).load() == {"t/a": b"1", "t/a/b": b"1"}


def test_an_empty_value_is_a_key_and_an_emptied_folder_is_none() -> None:
    tree = Tree("/t/folder/x")
    tree.delete("/t/folder/x")
    tree.put("/t/headers/X-Removed", b"")
    assert Mirror("/t", tree).load() == {"t/headers/X-Removed": b""}


def test_an_empty_znode_that_gets_a_child_becomes_a_folder() -> None:
    tree = Tree("/t/x")
    mirror = Mirror("/t", tree)
    mirror.load()
    assert mirror.apply(tree.put("/t/a", b"")) == {"t/a": b""}
    assert mirror.apply(tree.put("/t/a/b", b"1")) == {"t/a": None, "t/a/b": b"1"}
    assert mirror.apply(tree.delete("/t/a/b")) == {"t/a/b": None}


def test_a_znode_that_is_still_being_written_is_no_key() -> None:
    tree = Tree("/t/x")
    mirror = Mirror("/t", tree)
    mirror.load()
    assert mirror.apply(tree.put("/t/a", b"\x01")) == {}
    assert mirror.apply(tree.put("/t/a", b"1")) == {"t/a": b"1"}


def test_a_change_reads_the_changed_znode_alone() -> None:
    tree = Tree(*(f"/t/{number}" for number in range(100)))
    mirror = Mirror("/t", tree)
    mirror.load()
    tree.reads.clear()
    assert mirror.apply([*tree.put("/t/7", b"2"), *tree.put("/t/7", b"3")]) == {"t/7": b"3"}
    assert tree.reads == ["/t/7"]


def test_a_deleted_znode_that_is_back_has_its_new_value() -> None:
    tree = Tree("/t/a")
    mirror = Mirror("/t", tree)
    mirror.load()
    assert mirror.apply([*tree.delete("/t/a"), *tree.put("/t/a", b"1")]) == {}
    assert mirror.apply([*tree.delete("/t/a"), *tree.put("/t/a", b"2")]) == {"t/a": b"2"}


def test_events_of_changes_that_are_known_already_change_nothing() -> None:
    tree = Tree("/t/a")
    late = [*tree.put("/t/b", b"1"), *tree.put("/t/c", b"1"), *tree.delete("/t/c")]
    mirror = Mirror("/t", tree)
    assert mirror.load() == {"t/a": b"1", "t/b": b"1"}
    assert mirror.apply(late) == {}


def test_a_znode_that_disappears_while_the_tree_is_read_is_none() -> None:
    tree = Tree("/t/a/b", "/t/c")
    tree.failures["/t/a"] = Code.NO_NODE
    assert Mirror("/t", tree).load() == {"t/c": b"1"}


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        (Code.NO_RIGHT, NotPermittedError, "ZooKeeper does not let the agent read /t/a"),
        (-3, ProviderError, r"ZooKeeper does not return /t/a \(error -3\)"),
    ],
    ids=["no right", "another error"],
)
def test_a_znode_that_cannot_be_read_is_an_error_as_it_may_protect_others(
    code: int, error: type[Exception], words: str
) -> None:
    tree = Tree("/t/a", "/t/b")
    tree.failures["/t/a"] = code
    with pytest.raises(error, match=words):
        Mirror("/t", tree).load()
