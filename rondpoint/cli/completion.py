"""Settings as a shell completes them: `--prov` to `--providers.docker` and what else begins so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from rondpoint.settings.vocabulary import Word

_USUAL = {"entryPoints": "web"}
"""A name that stands below these as long as none is typed."""


class SettingsCommand(click.Command):
    """A command that takes settings as flags, beside options of its own."""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        return [*super().shell_complete(ctx, incomplete), *items(incomplete)]


def items(incomplete: str) -> Iterator[CompletionItem]:
    """The flags of all settings that begin with what was typed."""
    if incomplete.startswith("-"):
        for flag in flags(incomplete):
            # Shells compare letter by letter, settings do not.
            yield CompletionItem(incomplete + flag[len(incomplete) :])


def flags(incomplete: str) -> list[str]:
    """Those of our own spelling; below a name that the user chooses, with the name that was typed."""
    from rondpoint.settings.vocabulary import build  # noqa: PLC0415 (only who completes needs it here)

    typed = incomplete.removeprefix("--").split(".")[:-1]
    found = (f"--{'.'.join(path)}" for path in _paths(build(), typed, ()))
    return sorted(flag for flag in found if flag.lower().startswith(incomplete.lower()))


def _paths(word: Word, typed: list[str], above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for child in word.children.values():
        if not child.attribute:
            continue
        here = (*above, child.key)
        if child.optional or not child.section:
            yield here
        yield from _paths(child, typed, here)
    if word.wildcard is not None and word.wildcard.section:
        name = typed[len(above)] if len(above) < len(typed) else _USUAL.get(above[-1], "")
        if name:
            yield from _paths(word.wildcard, typed, (*above, name))
