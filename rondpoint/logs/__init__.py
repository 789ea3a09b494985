"""The application log: its formats, its file, and the rotation of that file."""

from rondpoint.logs.configuration import configure, is_machine_readable, reopen

__all__ = ["configure", "is_machine_readable", "reopen"]
