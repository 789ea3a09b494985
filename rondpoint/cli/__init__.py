"""The command line: `up`, `routes`, `explain`, `healthcheck`, and the commands of other packages."""

from rondpoint.cli.main import main

__all__ = ["main"]
