"""Constraints select the services of a provider that are routed, by their tags or labels.

Traefik 3 has expressions, such as ``Tag(`a`) && !LabelRegex(`b`, `^c`)``. Traefik 1 has `tag==api-*`; several
are separated by commas, and all must match.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from types import MappingProxyType

from msgspec import Struct

from rondpoint.rules.patterns import Pattern, PatternError, compile_pattern
from rondpoint.rules.quoted import QuotedError, unquote
from rondpoint.rules.suggestions import did_you_mean

_V1_CONSTRAINT = re.compile(r"\s*(\w+)\s*(==|!=)\s*(.*?)\s*\Z", re.DOTALL)
_TOKEN = re.compile(r"""\s*(&&|\|\||[!(),]|[A-Za-z]+|`[^`]*`|"(?:\\.|[^"\\\n])*")""")
_MAX_DEPTH = 50
_NO_LABELS: Mapping[str, str] = MappingProxyType({})


class ConstraintError(ValueError):
    """Constraints that cannot be parsed; `str()` is one line."""


class ConstraintSubject(Struct, frozen=True):
    """The container or service that constraints test.

    Traefik 3's constraints test `tags` as written and the labels in `named`, by name. Traefik 1's constraints
    test `labels`.
    """

    tags: tuple[str, ...]
    labels: tuple[str, ...] = ()
    named: Mapping[str, str] = _NO_LABELS


Constraint = Callable[[ConstraintSubject], bool]


def everything(subject: ConstraintSubject) -> bool:
    """Match every container and service, as empty constraints do."""
    return True


def parse(text: str) -> Constraint:
    """Parse constraints into a predicate; empty ones match everything. Raises ConstraintError."""
    if not text.strip():
        return everything
    if _V1_CONSTRAINT.match(text.partition(",")[0]):
        return _all([_parse_v1(part) for part in text.split(",") if part.strip()])
    reader = _Reader(text)
    found = reader.alternatives()
    reader.end()
    return found


def _parse_v1(text: str) -> Constraint:
    parts = _V1_CONSTRAINT.match(text)
    if parts is None or parts[1].lower() != "tag":
        raise ConstraintError(f"constraint {text.strip()!r} is not of the form tag==api-* or tag!=api-*")
    pattern, expected = parts[3], parts[2] == "=="
    return lambda subject: any(fnmatchcase(each, pattern) for each in subject.labels) == expected


def _all(parts: Iterable[Constraint]) -> Constraint:
    tests = tuple(parts)
    return tests[0] if len(tests) == 1 else lambda subject: all(test(subject) for test in tests)


def _any(parts: Iterable[Constraint]) -> Constraint:
    tests = tuple(parts)
    return tests[0] if len(tests) == 1 else lambda subject: any(test(subject) for test in tests)


def _tag(arguments: Sequence[str]) -> Constraint:
    (tag,) = arguments
    return lambda subject: tag in subject.tags


def _tag_regex(arguments: Sequence[str]) -> Constraint:
    pattern = _pattern(arguments[0])
    return lambda subject: any(pattern.search(tag) is not None for tag in subject.tags)


def _label(arguments: Sequence[str]) -> Constraint:
    name, value = arguments
    return lambda subject: subject.named.get(name) == value


def _label_regex(arguments: Sequence[str]) -> Constraint:
    name, text = arguments
    pattern = _pattern(text)
    return lambda subject: name in subject.named and pattern.search(subject.named[name]) is not None


def _pattern(text: str) -> Pattern:
    try:
        return compile_pattern(text)
    except PatternError as error:
        raise ConstraintError(f"{text!r} is not a regular expression: {error}") from None


_TESTS: dict[str, tuple[int, Callable[[Sequence[str]], Constraint]]] = {
    "Label": (2, _label),
    "LabelRegex": (2, _label_regex),
    "Tag": (1, _tag),
    "TagRegex": (1, _tag_regex),
}
"""Name of a test → number of its arguments, and its constructor."""


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._depth = 0

    def end(self) -> None:
        if rest := self._text[self._position :].strip():
            raise ConstraintError(f"unexpected {rest!r} in constraints")

    def alternatives(self) -> Constraint:
        parts = [self._conjunction()]
        while self._take("||"):
            parts.append(self._conjunction())
        return _any(parts)

    def _conjunction(self) -> Constraint:
        parts = [self._single()]
        while self._take("&&"):
            parts.append(self._single())
        return _all(parts)

    def _single(self) -> Constraint:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ConstraintError("constraints are nested too deeply")
        try:
            if self._take("!"):
                denied = self._single()
                return lambda subject: not denied(subject)
            if self._take("("):
                inner = self.alternatives()
                self._expect(")")
                return inner
            return self._test()
        finally:
            self._depth -= 1

    def _test(self) -> Constraint:
        name = self._next() or "nothing"
        if name not in _TESTS:
            raise ConstraintError(f"unknown {name} in constraints ({did_you_mean(name, _TESTS)})")
        count, test = _TESTS[name]
        takes = f"{name} takes {'one text' if count == 1 else 'two texts'} in quotes"
        self._expect("(")
        arguments: list[str] = []
        while len(arguments) < count:
            if arguments:
                self._expect(",")
            literal = self._next() or ""
            if literal[:1] not in ("`", '"'):
                raise ConstraintError(takes)
            try:
                arguments.append(unquote(literal))
            except QuotedError as error:
                raise ConstraintError(f"{takes}: {error}") from None
        self._expect(")")
        return test(arguments)

    def _take(self, token: str) -> bool:
        found = _TOKEN.match(self._text, self._position)
        if found is None or found[1] != token:
            return False
        self._position = found.end()
        return True

    def _expect(self, token: str) -> None:
        if not self._take(token):
            raise ConstraintError(
                f"{token} is missing in constraints, before {self._text[self._position :]!r}"
            )

    def _next(self) -> str | None:
        found = _TOKEN.match(self._text, self._position)
        if found is None:
            return None
        self._position = found.end()
        return found[1]
