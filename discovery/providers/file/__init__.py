"""Routes from files: one, or a directory of them, followed as they change."""

from discovery.providers.file.provider import FileProvider

__all__ = ["FileProvider"]
