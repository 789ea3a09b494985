"""Settings from the command line: `--providers.docker.endpoint=unix:///d.sock`, `--web`, `-c FILE`."""

from __future__ import annotations

from collections.abc import Sequence

from rondpoint.diagnostics import Diagnostic
from rondpoint.settings.errors import error
from rondpoint.settings.written_setting import Source, WrittenSetting

_SHORT = {"c": "configFile", "d": "debug", "g": "graceTimeOut", "l": "logLevel"}


def read(argv: Sequence[str]) -> tuple[list[WrittenSetting], list[Diagnostic]]:
    """The flags in their order, and what is none.

    The value follows `=` or is the next word; a flag without either is true. Nothing else is expected on
    this command line, so a word can only be the value of the flag before it.
    """
    settings: list[WrittenSetting] = []
    problems: list[Diagnostic] = []
    words = list(argv)
    while words:
        word = words.pop(0)
        name, equals, text = word.partition("=")
        key = _key(name)
        if not key:
            problems.append(
                error(f"command line: {word}", f"{word!r} is no flag", "flags look like --key=value")
            )
            continue
        value: object = text
        if not equals:
            value = words.pop(0) if words and not words[0].startswith("-") else True
        settings.append(WrittenSetting(tuple(key.split(".")), value, f"flag {name}", Source.FLAG))
    return settings, problems


def _key(name: str) -> str:
    if name.startswith("--"):
        return name[2:]
    return _SHORT.get(name[1:], "") if name.startswith("-") else ""
