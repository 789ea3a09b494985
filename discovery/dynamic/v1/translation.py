"""Translates options of Traefik 1 into one middleware of Traefik 3, with the key of each option."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from discovery.decoding.names import qualify
from discovery.decoding.section import Section
from discovery.dynamic.middlewares import make_middleware
from rondpoint.model import Middleware

Path = tuple[str, ...]
ServiceNaming = Callable[[str], str]
"""Maps a backend's name as written to the qualified name of its service."""


class Translation:
    """Options for a middleware of this `kind`, from `section`: call `take` for each, then `middleware`."""

    def __init__(self, kind: str, section: Section) -> None:
        self._kind = kind
        self._section = section
        self._options: dict[str, Any] = {}
        self._names: dict[Path, str] = {}
        self._given: list[str] = []
        self._unreadable = False

    def __bool__(self) -> bool:
        """True if any option was given."""
        return bool(self._given)

    def take(
        self,
        written: str,
        *path: str,
        from_: Section | None = None,
        read: Callable[[object], Any] | None = None,
    ) -> None:
        """Translate the option `written` to the one at `path`; by default, the name stays the same.

        `read` converts the value to Traefik 3's form, or raises ValueError with what was expected.
        """
        section = from_ or self._section
        value = section.raw(written)
        path = path or (written,)
        self._names[_lower(path)] = section.key(written)
        if value is None:
            return
        self._given.append(section.key(written))
        try:
            self.put(value if read is None else read(value), *path)
        except ValueError as error:
            self._unreadable = True
            # The message omits the value, because it may be a secret.
            section.report.error(f"{section.report.at(section.key(written))} is not valid", str(error))

    def put(self, value: object, *path: str) -> None:
        """Set an option at `path`."""
        options = self._options
        for name in path[:-1]:
            options = options.setdefault(name, {})
        options[path[-1]] = value

    def middleware(self, router: str, suffix: str, service: ServiceNaming) -> tuple[str, Middleware]:
        """Return the key and the middleware, which is named after the qualified name of its router."""
        bare, _, provider = router.rpartition("@")
        middleware = make_middleware(
            qualify(f"{bare}-{suffix}", provider),
            self._kind,
            self._options,
            service,
            self._key_of,
            self._section.report,
            unusable=self._unreadable,
        )
        return self._given[0] if self._given else self._section.path, middleware

    def _key_of(self, path: Path) -> str:
        return self._names.get(_lower(path)) or ".".join((self._section.path, *path))


def _lower(path: Path) -> Path:
    return tuple(name.lower() for name in path)
