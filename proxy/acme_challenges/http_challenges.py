"""Answers HTTP-01 challenges (RFC 8555 §8.3), before routers, redirections and middlewares."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from proxy.acme_challenges.challenge_lookup import ChallengeLookup, LookupFailedError
from proxy.http1.errors import RequestError
from proxy.per_request.local_response import LocalResponse
from rondpoint.entry_points.redirection import ACME_CHALLENGES
from rondpoint.rules.request_normalisation import normalise_path
from rondpoint.store.acme import http_challenge

if TYPE_CHECKING:
    from proxy.exchange.downstream import Downstream
    from proxy.exchange.request_handler import Match
    from proxy.http1.request import Request

_PREFIX = ACME_CHALLENGES.encode()
_METHODS = frozenset((b"GET", b"HEAD"))
# Base64url, as RFC 8555 §8.1 says. As in Traefik, a slash may follow. The length is bounded because the token
# becomes part of a key of the store.
_TOKEN = re.compile(rb"([A-Za-z0-9_-]{1,256})/?")
_LINES = b"\r\nContent-Type: text/plain; charset=utf-8"


class HttpChallenges:
    """The challenges on an entry point.

    With `bypass`, routers get all requests but those for tokens in the store.
    """

    def __init__(self, lookup: ChallengeLookup, *, bypass: bool = False) -> None:
        self._lookup = lookup
        self._bypass = bypass

    def find(self, request: Request) -> Match | None:
        """Return the function that responds to this request in place of the routing table, or None."""
        target = request.target
        # Normalised as well, because dot segments may lead to paths of routers.
        if not target.startswith(_PREFIX) or not normalise_path(target).startswith(ACME_CHALLENGES):
            return None
        response = self._respond(request)
        if self._bypass and response.status != 200:
            return None

        def match(_request: Request, _downstream: Downstream) -> None:
            raise response

        return match

    def _respond(self, request: Request) -> LocalResponse | RequestError:
        if request.method not in _METHODS or request.has_body:
            return RequestError(405, "", allow="GET, HEAD")
        token = _TOKEN.fullmatch(request.target.partition(b"?")[0], len(_PREFIX))
        if token is None:
            return RequestError(404, "")
        try:
            found = self._lookup.find(http_challenge(token[1].decode()))
        except LookupFailedError as error:
            return RequestError(503, str(error))
        return RequestError(404, "") if found is None else LocalResponse(200, _LINES, found.encode())
