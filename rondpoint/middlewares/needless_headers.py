"""Finds headers in the options of the middleware `headers` that the proxy handles by itself.

Files set `Connection: upgrade` and `Upgrade: websocket` to allow WebSocket. Traefik and Rondpoint pass on
upgrades without them, so leaving them out changes nothing. Traefik sends no other `Upgrade`. Any other
`Connection` names headers that servers must not get, so it is refused (`framing_headers.py`).
"""

from __future__ import annotations

from collections.abc import Mapping

_OPTIONS = frozenset(("customrequestheaders", "customresponseheaders"))
_HARMLESS = {
    "connection": frozenset(("upgrade", "keep-alive")),
    "keep-alive": None,
    "upgrade": None,
}
"""Names with the values that change nothing; None stands for any value."""


def split_needless_headers(options: object) -> tuple[object, tuple[tuple[str, str], ...]]:
    """Return the written options of `headers` without such headers, and option and name of each."""
    if not isinstance(options, Mapping):
        return options, ()
    found = tuple(
        (option, name)
        for option, values in options.items()
        if str(option).lower() in _OPTIONS and isinstance(values, Mapping)
        for name, value in values.items()
        if _is_needless(str(name), value)
    )
    if not found:
        return options, ()
    needless = set(found)
    return {
        option: {name: value for name, value in values.items() if (option, name) not in needless}
        if isinstance(values, Mapping)
        else values
        for option, values in options.items()
    }, found


def _is_needless(name: str, value: object) -> bool:
    harmless = _HARMLESS.get(name.strip().lower(), frozenset())
    if harmless is None:
        return True
    values = {part.strip().lower() for part in str(value).split(",")}
    return values <= harmless
