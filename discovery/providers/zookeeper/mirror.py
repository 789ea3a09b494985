"""A copy of the znodes below one path, which events keep up to date."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from discovery.providers.errors import NotPermittedError, ProviderError
from discovery.providers.zookeeper_client.records import Code, Event, Failure, Operation, ReadResult, Znode

_BEING_WRITTEN = b"\x01"
"""Old versions of libkv create a znode with this value first, and then set its real value."""

Changes = Mapping[str, bytes | None]
"""Key → new value; None for a deleted key."""


class Reader(Protocol):
    """The reads of a session."""

    def read(self, operation: Operation, paths: Sequence[str]) -> list[ReadResult]: ...


class Mirror:
    """The znodes below one path, as keys with values.

    ZooKeeper has no folders: every znode has a value, and a znode with children mostly has an empty one. So
    an empty znode is a key only if it never had children. Otherwise `http/routers` would be a key with an
    empty text once its last router has been deleted.
    """

    def __init__(self, root: str, reader: Reader) -> None:
        """Hold nothing yet; `load` reads the znodes. `root` begins with a slash.

        `root_created` is then that of the root, None if the root does not exist.
        """
        self._root = root
        self._reader = reader
        self._keys: dict[str, bytes] = {}
        self.root_created: tuple[int, int] | None = None

    def load(self) -> Mapping[str, bytes]:
        """Read all znodes anew, one level of the tree after the other; return all keys."""
        self._keys = {}
        level = [self._root]
        while level:
            found = dict(self._read(level))
            for path, znode in found.items():
                if (value := self._value(path, znode)) is not None:
                    self._keys[_key(path)] = value
            level = list(self._children([path for path, znode in found.items() if znode.child_count]))
        return dict(self._keys)

    def apply(self, events: Iterable[Event]) -> Changes:
        """Read the znodes of these events; return the keys that have changed."""
        paths = list(dict.fromkeys(event.path for event in events))
        found = dict(self._read(paths))
        changes: dict[str, bytes | None] = {}
        for path in paths:
            znode = found.get(path)
            self._set(_key(path), None if znode is None else self._value(path, znode), changes)
            # There is no event that tells that a znode has got its first child.
            parent = _key(path.rpartition("/")[0])
            if self._keys.get(parent) == b"":
                self._set(parent, None, changes)
        return changes

    def _value(self, path: str, znode: Znode) -> bytes | None:
        """Return the value of a key, or None if the znode is none."""
        if path == self._root or znode.data == _BEING_WRITTEN:
            return None
        return znode.data if znode.data or not znode.had_children else None

    def _set(self, key: str, value: bytes | None, changes: dict[str, bytes | None]) -> None:
        if self._keys.get(key) == value:
            return
        changes[key] = value
        if value is None:
            del self._keys[key]
        else:
            self._keys[key] = value

    def _read(self, paths: Sequence[str]) -> Iterator[tuple[str, Znode]]:
        """Yield each path that exists, with its znode."""
        for path, result in zip(paths, self._reader.read(Operation.GET_DATA, paths), strict=True):
            znode = result if isinstance(result, Znode) else None
            if path == self._root:
                self.root_created = None if znode is None else znode.created
            if znode is not None:
                yield path, znode
            else:
                _check_missing(path, result)

    def _children(self, parents: Sequence[str]) -> Iterator[str]:
        """Yield the path of every child."""
        for path, result in zip(parents, self._reader.read(Operation.GET_CHILDREN, parents), strict=True):
            if isinstance(result, Sequence):
                yield from (f"{path.rstrip('/')}/{name}" for name in result)
            else:
                _check_missing(path, result)


def _key(path: str) -> str:
    return path.lstrip("/")


def _check_missing(path: str, result: ReadResult) -> None:
    """Accept that the znode does not exist; raise any other failure to read it."""
    code = result.code if isinstance(result, Failure) else Code.OK
    if code == Code.NO_RIGHT:
        # Without this znode, the others could be less safe than meant: it may be the list of middlewares.
        raise NotPermittedError(
            f"ZooKeeper does not let the agent read {path}",
            "set the username and password of a user that may read every znode below the root key",
        )
    if code != Code.NO_NODE:
        raise ProviderError(f"ZooKeeper does not return {path} (error {code})")
