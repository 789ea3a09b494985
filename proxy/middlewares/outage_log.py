"""Logs when a middleware's auxiliary server stops responding, and when it responds again."""

from __future__ import annotations

import logging


class OutageLog:
    """Logs each outage of `server` once, with its `consequence` for requests of the middleware `name`."""

    __slots__ = ("_consequence", "_lasts", "_log", "_name", "_server")

    def __init__(self, log: logging.Logger, name: str, consequence: str, server: str) -> None:
        self._log = log
        self._name = name
        self._consequence = consequence
        self._server = server
        self._lasts = False

    def begin(self, error: Exception) -> None:
        """Record a failed subrequest."""
        if not self._lasts:
            self._lasts = True
            self._log.warning(
                "middleware %s %s: no response from %s: %s",
                self._name,
                self._consequence,
                self._server,
                error,
            )

    def end(self) -> None:
        """Record a response."""
        if self._lasts:
            self._lasts = False
            self._log.info("middleware %s: %s responds again", self._name, self._server)
