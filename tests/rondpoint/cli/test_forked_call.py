"""A call in a child process: its result, its exit code, and its memory that ends with it."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

# The function must run in a process with one thread, so not in that of the tests.
_PROGRAM = """
import os, signal, sys
from rondpoint.cli.forked_call import forked_call

def work():
    global changed
    changed = True
    {work}

changed = False
result = forked_call(work)
print(len(result), result[:5], changed, flush=True)
"""


def call(work: str) -> subprocess.CompletedProcess[str]:
    program = textwrap.dedent(_PROGRAM).replace("{work}", work)
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )


def test_the_result_arrives_and_the_callers_memory_stays_as_it_is() -> None:
    done = call("return b'12345' * 100_000")
    assert (done.returncode, done.stdout) == (0, "500000 b'12345' False\n")


@pytest.mark.parametrize(
    ("work", "code", "error"),
    [
        ("sys.exit(2)", 2, ""),
        ("sys.exit('a message')", 1, "a message"),
        ("raise ValueError('broken')", 1, "ValueError: broken"),
        ("raise KeyboardInterrupt", 1, ""),
        ("os.kill(os.getpid(), signal.SIGKILL)", 137, ""),
    ],
)
def test_the_end_of_the_child_is_the_end_of_the_caller(work: str, code: int, error: str) -> None:
    done = call(work)
    assert done.returncode == code
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1:] == ([error] if error else [])
