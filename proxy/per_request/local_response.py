"""The response that a middleware gives instead of a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class LocalResponse(Exception):  # noqa: N818 (no error: it ends the request's path to a server)
    """Raised by a middleware's step, so that no server gets the request.

    `lines` are header lines, each with a leading CRLF, without Content-Length. The response steps of the
    middlewares before this one apply to it. The request's body, if any, is not read first. `refusal` is the
    reason for the metric of refusals, if kind and status do not say it. `pieces` are a long body in place of
    `body`, which is sent piece by piece.
    """

    def __init__(
        self,
        status: int,
        lines: bytes = b"",
        body: bytes = b"",
        refusal: str = "",
        pieces: Iterable[bytes] | None = None,
    ) -> None:
        self.status = status
        self.lines = lines
        self.body = body
        self.refusal = refusal
        self.pieces = pieces
