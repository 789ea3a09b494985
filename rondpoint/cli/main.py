"""The group of commands, found by name when they are asked for.

A command's module is imported only when it is called: the agent does not pay for the proxy.
"""

from __future__ import annotations

import difflib
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

import click
from click.shell_completion import CompletionItem

from rondpoint.cli.completion import items

_OWN = {
    "up": "rondpoint.cli.up:up",
    "routes": "rondpoint.cli.routes:routes",
    "explain": "rondpoint.cli.explain:explain",
    "healthcheck": "rondpoint.cli.healthcheck:healthcheck",
}
_GROUP = "rondpoint.commands"


class Commands(click.Group):
    """Flags without a command mean `up`, which is what container images are started with."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {option for parameter in self.get_params(ctx) for option in parameter.opts}
        # A shell that asks what could follow has not said all yet.
        if not ctx.resilient_parsing and (not args or (args[0].startswith("-") and args[0] not in own)):
            args = ["up", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        return [*super().shell_complete(ctx, incomplete), *items(incomplete)]

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*_OWN, *_brought()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _OWN:
            module, _, attribute = _OWN[cmd_name].partition(":")
            command = getattr(import_module(module), attribute)
        elif cmd_name in (brought := _brought()):
            command = brought[cmd_name].load()
        else:
            return None
        if not isinstance(command, click.Command):
            raise TypeError(f"{cmd_name} is not a command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = self.list_commands(ctx)
        if args[0] not in known:
            close = difflib.get_close_matches(args[0], known, n=1)
            hint = f"Did you mean {close[0]}?" if close else f"There are {', '.join(known)}."
            ctx.fail(f"There is no command {args[0]!r}. {hint}")
        return super().resolve_command(ctx, args)


def _brought() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=_GROUP)}


@click.group(cls=Commands, context_settings={"help_option_names": ["--help", "-h"]})
@click.version_option(package_name="rondpoint", prog_name="rondpoint")
def main() -> None:
    """A container-aware reverse proxy and load balancer.

    Without a command, flags go to `up`: `rondpoint --docker --web` is `rondpoint up --docker --web`.
    """
