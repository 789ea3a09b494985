"""The application log: its form, its file, and the rotation of that file."""

from rondpoint.logs.configuration import configure, for_machines, reopen

__all__ = ["configure", "for_machines", "reopen"]
