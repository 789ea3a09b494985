"""The entry of the command line, which keeps `rondpoint up` free of what only its start needs."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main() -> None:
    """Run the command that the arguments of this process name; without one, `up` gets them as flags."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] == "up" or arguments[0].startswith("-"):
        _run_up(arguments)
    else:
        from rondpoint.cli.commands import commands  # noqa: PLC0415

        commands(prog_name="rondpoint")


def _run_up(arguments: Sequence[str]) -> None:
    # This process outlives the others: the parser of arguments, the settings and their libraries would take
    # more memory than all that it does later.
    from rondpoint.cli import start_plan  # noqa: PLC0415
    from rondpoint.cli.forked_call import forked_call  # noqa: PLC0415

    encoded = forked_call(lambda: _encoded_plan(arguments))
    if encoded:
        from rondpoint.cli.run import run  # noqa: PLC0415

        sys.exit(run(start_plan.decode(encoded)))


def _encoded_plan(arguments: Sequence[str]) -> bytes:
    """Return the plan of `up`, or nothing if the arguments only ask for help, the version or completions."""
    from rondpoint.cli.commands import commands  # noqa: PLC0415
    from rondpoint.cli.start_plan import StartPlan, encode  # noqa: PLC0415

    plans: list[StartPlan] = []
    try:
        commands(arguments, prog_name="rondpoint", obj=plans.append)
    except SystemExit as ended:
        if ended.code:
            raise
    return b"".join(map(encode, plans))
