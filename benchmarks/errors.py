"""What ends a benchmark with one line instead of a traceback."""

from __future__ import annotations


class BenchmarkError(Exception):
    """Something needed is missing, did not start, or did not do what it is measured for."""
