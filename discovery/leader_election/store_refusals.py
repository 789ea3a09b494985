"""Logs errors with which the store refuses a command, once until the command succeeds.

`discovery.process.publication` logs for all threads of the agent that the store does not respond.
"""

from __future__ import annotations

import logging

import redis


class StoreRefusals:
    """The refusals of one kind of command; `what` completes the sentence "the store refuses …"."""

    def __init__(self, logger: logging.Logger, what: str) -> None:
        self._logger = logger
        self._what = what
        self._last_logged = ""

    def log(self, error: Exception) -> None:
        """Log `error` if it is a refusal and differs from the last one."""
        if isinstance(error, redis.ResponseError) and str(error) != self._last_logged:
            self._last_logged = str(error)
            self._logger.warning("the store refuses %s: %s", self._what, error)

    def clear(self) -> None:
        """Forget the last refusal, after a command has succeeded."""
        self._last_logged = ""
