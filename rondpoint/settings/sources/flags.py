"""Reads settings from flags: `--providers.docker.endpoint=unix:///d.sock`, `--web`, `-c FILE`."""

from __future__ import annotations

from collections.abc import Sequence

from rondpoint.diagnostics import Diagnostic
from rondpoint.settings.errors import error
from rondpoint.settings.written_setting import Source, WrittenSetting

_SHORT_FLAGS = {"c": "configFile", "d": "debug", "g": "graceTimeOut", "l": "logLevel"}


def read(argv: Sequence[str]) -> tuple[list[WrittenSetting], list[Diagnostic]]:
    """Return the flags in order, and errors for words that are no flags.

    The value of a flag follows `=` or is the next word; a flag without a value is true. The command line
    has no positional arguments, so a word without `-` is the value of the flag before it.
    """
    settings: list[WrittenSetting] = []
    problems: list[Diagnostic] = []
    words = list(argv)
    while words:
        word = words.pop(0)
        name, equals, text = word.partition("=")
        key = _flag_key(name)
        if not key:
            problems.append(
                error(f"command line: {word}", f"{word!r} is not a flag", "write flags as --key=value")
            )
            continue
        value: object = text
        if not equals:
            value = words.pop(0) if words and not words[0].startswith("-") else True
        settings.append(WrittenSetting(tuple(key.split(".")), value, f"flag {name}", Source.FLAG))
    return settings, problems


def _flag_key(name: str) -> str:
    """Return the dotted key of a flag, or an empty text if the word is no flag."""
    if name.startswith("--"):
        return name[2:]
    return _SHORT_FLAGS.get(name[1:], "") if name.startswith("-") else ""
