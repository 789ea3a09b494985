"""The file provider: reads routes from one file or a directory of files, and follows changes."""

from discovery.providers.file.provider import FileProvider

__all__ = ["FileProvider"]
