"""Parses YAML and TOML into trees; errors have a line and a column."""

from __future__ import annotations

import re
import tomllib

from discovery.decoding.plain_trees import TooLargeError, plain
from discovery.dynamic.syntax_error import FileSyntaxError

_TOML_POSITION = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)\Z")


def read_yaml(text: str) -> object:
    """Parse YAML into plain values. Raises FileSyntaxError."""
    # PyYAML takes 1.5 MB, and many agents read no YAML.
    from discovery.dynamic.yaml_syntax import parse_yaml  # noqa: PLC0415

    return parse_yaml(text)


def read_toml(text: str) -> object:
    """Parse TOML into plain values. Raises FileSyntaxError."""
    try:
        return plain(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise _toml_error(str(error), text) from None
    except (TooLargeError, RecursionError) as limit_error:
        raise FileSyntaxError(str(limit_error)) from None


def _toml_error(message: str, text: str) -> FileSyntaxError:
    place = _TOML_POSITION.search(message)
    if place is None:
        return FileSyntaxError(message)
    problem = message[: place.start()]
    if place.group(1):
        return FileSyntaxError(problem, int(place.group(1)), int(place.group(2)))
    lines = text.split("\n")
    return FileSyntaxError(problem, len(lines), len(lines[-1]) + 1)
