"""The `usersFile` options of a worker's middlewares: each file is read again when it has changed."""

from __future__ import annotations

import logging
from pathlib import Path

import gevent

from proxy.authentication.user_list import UserListError, Users, file_state, read_users
from proxy.background.supervised_task import supervised

log = logging.getLogger(__name__)

CHECK_SECONDS = 1.0
"""Seconds between two looks at the files."""


class UsersFile:
    """The users of one file, at least as recent as the last check; `parts` is as in `parse_users`."""

    def __init__(self, path: Path, parts: int) -> None:
        """Read the file. Raises UserListError."""
        self._path = path
        self._parts = parts
        self._problem = ""
        self._state, users = read_users(path, parts)
        self.users: Users = users

    def check(self) -> None:
        """Read the file again if it has changed; if that fails, keep the last users and log it once."""
        threads = gevent.get_hub().threadpool
        try:
            # In a thread, because the file may be on a slow network.
            if threads.apply(_state_or_none, (self._path,)) == self._state and not self._problem:
                return
            self._state, self.users = threads.apply(read_users, (self._path, self._parts))
        except UserListError as error:
            if str(error) != self._problem:
                log.error("usersFile: %s; its last users stay in force", error)  # noqa: TRY400 (no fault of ours)
            self._problem = str(error)
            return
        log.info("usersFile: %s was read again: %d users", self._path, len(self.users))
        self._problem = ""


def _state_or_none(path: Path) -> object:
    """Return the state of a file; None if it has none, in which case reading it gives the reason."""
    try:
        return file_state(path)
    except (OSError, UserListError):
        return None


class UsersFiles:
    """All files that middlewares of this worker have named, checked once a second by one task.

    They stay for the life of the worker: middlewares are compiled again after any change, and a file that has
    vanished meanwhile must not lose its users.
    """

    def __init__(self) -> None:
        self._files: dict[tuple[Path, int], UsersFile] = {}

    def open(self, path: Path, parts: int) -> UsersFile:
        """Return the users of a file, which is read on first use. Raises UserListError."""
        found = self._files.get((path, parts))
        if found is None:
            found = UsersFile(path, parts)
            if not self._files:
                gevent.spawn(supervised, self._watch)
            self._files[path, parts] = found
        return found

    def _watch(self) -> None:
        while True:
            gevent.sleep(CHECK_SECONDS)
            for file in list(self._files.values()):
                file.check()


USERS_FILES = UsersFiles()
