"""What the store refuses an agent: said once, and again only after it went well.

That it does not answer at all is said by publication, for all threads of the agent.
"""

from __future__ import annotations

import logging

import redis


class Refusals:
    """Of one kind of work: `what` completes "the store refuses"."""

    def __init__(self, logger: logging.Logger, what: str) -> None:
        self._logger = logger
        self._what = what
        self._told = ""

    def tell(self, error: Exception) -> None:
        """Log it if it is a refusal, and another one than the last."""
        if isinstance(error, redis.ResponseError) and str(error) != self._told:
            self._told = str(error)
            self._logger.warning("the store refuses %s: %s", self._what, error)

    def over(self) -> None:
        """It went well."""
        self._told = ""
