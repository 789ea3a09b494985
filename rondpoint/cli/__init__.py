"""The command line: `rondpoint up`, `routes`, and the commands that the upper floors bring."""

from rondpoint.cli.main import main

__all__ = ["main"]
