"""The reasons for which middlewares refuse requests, as the metric of refusals names them."""

from __future__ import annotations

REFUSAL_REASONS = {
    "rate": "`rateLimit` has no token, or another middleware responds with 429",
    "in_flight": "`inFlightReq` has reached its `amount`",
    "forbidden": "`ipAllowList` does not contain the address, or another middleware responds with 403",
    "circuit_open": "`circuitBreaker` is open or recovering",
    "auth_unavailable": "`forwardAuth` got no valid response from its authentication server",
    "bad_host": "the `allowedHosts` of `headers` do not contain the host",
    "unauthorized": "the client has to sign in: 401, and every redirection by `forwardAuth`",
    "bad_request": "400",
    "timeout": "408: the content did not arrive in time",
    "too_large": "413",
    "unavailable": "503, for example because too many passwords are being checked",
    "refused": "another status from 400 to 499",
    "error": "another status from 500 on",
}
"""Each reason with its meaning."""
