"""Parses flags as Go programs do: `-ip A`, `-ip=A`, `--ip=A`; a switch takes a value only after `=`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from msgspec import Struct

from rondpoint.settings.values import parse_switch

Value = str | int | bool


class UsageError(Exception):
    """An invalid command line; the message is one line."""


class HelpRequested(UsageError):  # noqa: N818 (nothing is wrong)
    """The command line has `-h` or `-help`."""


class Flag(Struct, frozen=True):
    """A flag.

    Its value has the type of `default`; `metavar` names the value in the help, unless it is a switch.
    """

    name: str
    default: Value
    metavar: str
    help: str


def parse_flags(arguments: Sequence[str], flags: Mapping[str, Flag]) -> tuple[dict[str, Value], list[str]]:
    """Return the values of all flags by name, and the other words in order. Raises UsageError.

    Unlike in Go, flags may follow other words; `--` ends the flags.
    """
    values = {name: flag.default for name, flag in flags.items()}
    words: list[str] = []
    remaining = list(arguments)
    while remaining:
        written = remaining.pop(0)
        if written == "--":
            return values, words + remaining
        if len(written) < 2 or not written.startswith("-"):
            words.append(written)
            continue
        name, equals, text = written.removeprefix("-").removeprefix("-").partition("=")
        if name in {"h", "help"}:
            raise HelpRequested
        flag = _find_flag(written, name, flags)
        if isinstance(flag.default, bool):
            text = text if equals else "true"
        elif not equals:
            if not remaining:
                raise UsageError(f"flag -{name} needs a value: -{name} {flag.metavar}")
            text = remaining.pop(0)
        values[name] = _value(flag, text)
    return values, words


def _find_flag(written: str, name: str, flags: Mapping[str, Flag]) -> Flag:
    if name in flags:
        return flags[name]
    close = get_close_matches(name, flags, n=1)
    raise UsageError(
        f"unknown flag {written.partition('=')[0]}" + (f" (did you mean -{close[0]}?)" if close else "")
    )


def _value(flag: Flag, text: str) -> Value:
    if isinstance(flag.default, bool):
        try:
            return parse_switch(text)
        except ValueError as error:
            raise UsageError(f"bad value {text!r} for flag -{flag.name}: {error}") from None
    if isinstance(flag.default, int):
        try:
            return int(text)
        except ValueError:
            raise UsageError(f"bad value {text!r} for flag -{flag.name}: expected a whole number") from None
    return text


def describe_flags(flags: Mapping[str, Flag]) -> str:
    """Return the help text, one line for each flag."""
    heads = {name: f"-{name} {flag.metavar}".rstrip() for name, flag in flags.items()}
    width = max(map(len, heads.values()))
    return "\n".join(f"  {heads[name]:{width}}  {flag.help}" for name, flag in flags.items())
