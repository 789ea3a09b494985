"""The exception that ends a benchmark with one line instead of a traceback."""

from __future__ import annotations


class BenchmarkError(Exception):
    """A program is missing, did not start, or did not work as expected."""
