"""The command group `rondpoint`.

It imports the module of a command only when that command is called, so the agent does not load the proxy.
"""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from rondpoint.cli.completion import completion_items

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_BUILT_IN = {
    "up": "rondpoint.cli.up:up",
    "routes": "rondpoint.cli.routes:routes",
    "explain": "rondpoint.cli.explain:explain",
    "healthcheck": "rondpoint.cli.healthcheck:healthcheck",
}
_GROUP = "rondpoint.commands"


class Commands(click.Group):
    """The group of all commands; flags without a command are flags of `up`, as container images use them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        options = {option for parameter in self.get_params(ctx) for option in parameter.opts}
        # During shell completion the command may not be typed yet.
        if not ctx.resilient_parsing and (not args or (args[0].startswith("-") and args[0] not in options)):
            args = ["up", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        return [*super().shell_complete(ctx, incomplete), *completion_items(incomplete)]

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*_BUILT_IN, *_installed_commands()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _BUILT_IN:
            module, _, attribute = _BUILT_IN[cmd_name].partition(":")
            command = getattr(import_module(module), attribute)
        elif cmd_name in (installed := _installed_commands()):
            command = installed[cmd_name].load()
        else:
            return None
        if not isinstance(command, click.Command):
            raise TypeError(f"{cmd_name} is not a command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        # The base class would find the command anew, for which the installed packages are read.
        command = self.get_command(ctx, args[0])
        if command is None:
            known = self.list_commands(ctx)
            close = difflib.get_close_matches(args[0], known, n=1)
            hint = f"Did you mean {close[0]}?" if close else f"The commands are {', '.join(known)}."
            ctx.fail(f"Unknown command {args[0]!r}. {hint}")
        return args[0], command, args[1:]


def _installed_commands() -> dict[str, EntryPoint]:
    """Return the commands that other packages bring, by name."""
    # It takes 2 MB, and built-in commands need no other command.
    from importlib.metadata import entry_points  # noqa: PLC0415

    return {point.name: point for point in entry_points(group=_GROUP)}


@click.group(cls=Commands, context_settings={"help_option_names": ["--help", "-h"]})
@click.version_option(package_name="rondpoint", prog_name="rondpoint")
def commands() -> None:
    """A container-aware reverse proxy and load balancer.

    Without a command, flags go to `up`: `rondpoint --docker --web` is `rondpoint up --docker --web`.
    """
