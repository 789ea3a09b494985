"""One middleware of Traefik 3 made from options of Traefik 1, each remembered with where it was written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from discovery.decoding.names import qualify
from discovery.decoding.section import Section
from discovery.dynamic.middlewares import make_middleware
from rondpoint.model import Middleware

Path = tuple[str, ...]
ServiceNaming = Callable[[str], str]
"""From a backend's name as written to the qualified name of its service."""


class Translation:
    """Options of the `kind` in `section`: `take` what it has, then ask for the middleware."""

    def __init__(self, kind: str, section: Section) -> None:
        self._kind = kind
        self._section = section
        self._options: dict[str, Any] = {}
        self._names: dict[Path, str] = {}
        self._given: list[str] = []
        self._unreadable = False

    def __bool__(self) -> bool:
        """Whether anything was taken."""
        return bool(self._given)

    def take(
        self,
        written: str,
        *path: str,
        from_: Section | None = None,
        read: Callable[[object], Any] | None = None,
    ) -> None:
        """The option `written` as the one at `path`, of the same name unless it is told.

        `read` brings it to a form of Traefik 3, or raises ValueError with what was expected.
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
            # The value may be a secret.
            section.report.error(f"{section.report.at(section.key(written))} is not valid", str(error))

    def put(self, value: object, *path: str) -> None:
        """An option that nobody wrote."""
        options = self._options
        for name in path[:-1]:
            options = options.setdefault(name, {})
        options[path[-1]] = value

    def middleware(self, router: str, suffix: str, service: ServiceNaming) -> tuple[str, Middleware]:
        """Where it was written, and the middleware: named after the qualified name of its router."""
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
