"""The `usersFile` options of a worker's middlewares: each file is read again when it has changed."""

from __future__ import annotations

import logging
from pathlib import Path

import gevent

from proxy.authentication.user_list import FileState, UserListError, Users, file_state, read_users
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
        # In a thread, because the file may be on a slow network. After a failure it is read in any case.
        last = None if self._problem else self._state
        found = gevent.get_hub().threadpool.apply(_read_if_changed, (self._path, self._parts, last))
        if isinstance(found, UserListError):
            if str(found) != self._problem:
                log.error("usersFile: %s; its last users stay in force", found)
            self._problem = str(found)
        elif found is not None:
            self._state, self.users = found
            self._problem = ""
            log.info("usersFile: %s was read again: %d users", self._path, len(self.users))


def _read_if_changed(
    path: Path, parts: int, last: FileState | None
) -> tuple[FileState, Users] | UserListError | None:
    """Return the users of a file, None if its state is still `last`, or the error.

    The error is returned, because gevent prints what a function raises in its threads.
    """
    try:
        if last is not None and file_state(path) == last:
            return None
    except (OSError, UserListError):
        # Reading the file gives the reason.
        pass
    try:
        return read_users(path, parts)
    except UserListError as error:
        return error


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
