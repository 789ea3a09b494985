"""Shell completion of settings: `--prov` becomes `--providers.docker` and other flags with that beginning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from rondpoint.settings.vocabulary import KnownKey

_EXAMPLE_NAMES = {"entryPoints": "web"}
"""The name that completion offers below a section with user-chosen names, until one is typed."""


class SettingsCommand(click.Command):
    """A command that accepts settings as flags, besides its own options."""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        return [*super().shell_complete(ctx, incomplete), *completion_items(incomplete)]


def completion_items(incomplete: str) -> Iterator[CompletionItem]:
    """Return the flags of all settings that begin with the typed text."""
    if incomplete.startswith("-"):
        for flag in matching_flags(incomplete):
            # Shells compare case-sensitively, settings do not: keep the typed letters.
            yield CompletionItem(incomplete + flag[len(incomplete) :])


def matching_flags(incomplete: str) -> list[str]:
    """Return the matching flags in Traefik 3's spelling, with the typed name for a user-chosen one."""
    from rondpoint.settings.vocabulary import build_vocabulary  # noqa: PLC0415 (only completion needs it here)

    typed = incomplete.removeprefix("--").split(".")[:-1]
    all_flags = (f"--{'.'.join(path)}" for path in _paths(build_vocabulary(), typed, ()))
    return sorted(flag for flag in all_flags if flag.lower().startswith(incomplete.lower()))


def _paths(known_key: KnownKey, typed: list[str], parents: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for child in known_key.children.values():
        if not child.attribute:
            continue
        path = (*parents, child.key)
        if child.optional or not child.section:
            yield path
        yield from _paths(child, typed, path)
    if known_key.wildcard is not None and known_key.wildcard.section:
        name = typed[len(parents)] if len(parents) < len(typed) else _EXAMPLE_NAMES.get(parents[-1], "")
        if name:
            yield from _paths(known_key.wildcard, typed, (*parents, name))
