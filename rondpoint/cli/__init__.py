"""The command line: `up`, `routes`, `explain`, `healthcheck`, and the commands of other packages."""

from rondpoint.cli.entry import main

__all__ = ["main"]
