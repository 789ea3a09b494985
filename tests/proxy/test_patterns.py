"""Regular expressions that CPython before 3.11.5 would match wrongly (gh-106052)."""

import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest

import proxy
import rondpoint
from proxy.http1.request_target import TargetRules

_CHARACTERS = (codes.IN, codes.LITERAL, codes.NOT_LITERAL, codes.ANY)


def module_patterns() -> Iterator[tuple[str, re.Pattern[Any]]]:
    for package in (proxy, rondpoint):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name.endswith("__main__"):
                continue
            for name, value in vars(import_module(found.name)).items():
                if isinstance(value, re.Pattern):
                    yield f"{found.name}.{name}", value


def possessive_groups(parsed: Any) -> Iterator[Any]:
    """Yield the possessive quantifiers of anything but one character."""
    for code, argument in parsed:
        if code is codes.POSSESSIVE_REPEAT:
            (first, *others) = argument[2]
            if others or first[0] not in _CHARACTERS:
                yield argument
        for part in argument if isinstance(argument, tuple) else (argument,):
            for inner in part if isinstance(part, list) else (part,):
                if isinstance(inner, parser.SubPattern):
                    yield from possessive_groups(inner)


def is_portable(pattern: re.Pattern[Any]) -> bool:
    return not list(possessive_groups(parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE)))


def test_no_group_of_any_module_is_possessive() -> None:
    found = dict(module_patterns())
    assert len(found) > 100
    assert [name for name, pattern in found.items() if not is_portable(pattern)] == []


@pytest.mark.parametrize("resolve_path", [True, False])
@pytest.mark.parametrize("encode_semicolons", [True, False])
def test_no_group_of_request_targets_is_possessive(resolve_path: bool, encode_semicolons: bool) -> None:
    rules = TargetRules(resolve_path, encode_semicolons)
    assert is_portable(rules.unchanged)
    assert is_portable(rules.request_line)


@pytest.mark.parametrize(
    ("pattern", "portable"),
    [
        ("[ab]*+", True),
        ("a++b?+", True),
        ("(?:ab)*+", False),
        ("x|(y(?:[a]b?)++)", False),
        ("(?!(?:ab)?+)", False),
    ],
)
def test_possessive_groups_are_found(pattern: str, portable: bool) -> None:
    assert is_portable(re.compile(pattern)) == portable
