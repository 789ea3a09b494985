"""The modules that a fresh Python process has after it imported some."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print("\\n".join(sys.modules))
"""


def modules_after(*names: str) -> set[str]:
    """Return the names of all modules in a process of its own that has imported these."""
    result = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *names], capture_output=True, text=True, check=False, timeout=60
    )
    assert result.returncode == 0, result.stderr
    return set(result.stdout.split())
