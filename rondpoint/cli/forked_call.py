"""Calls a function in a child process, so that its memory ends with it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

_FAILED = 1


def forked_call(function: Callable[[], bytes]) -> bytes:
    """Return what the function returns in a copy of this process, which has one thread.

    Raises SystemExit with the function's exit code if it raises SystemExit, and with 1 after any other
    exception, of which the child prints the traceback.
    """
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        _run(function, write_end)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        result = pipe.read()
    _, status = os.waitpid(pid, 0)
    if status:
        # A shell's code for the end by a signal.
        code = os.waitstatus_to_exitcode(status)
        sys.exit(code if code > 0 else 128 - code)
    return result


def _exit_code(code: str | int | None) -> int:
    if isinstance(code, str):
        # Like the interpreter, for which a text is a message of a failure.
        sys.stderr.write(f"{code}\n")
        return _FAILED
    return code or 0


def _run(function: Callable[[], bytes], write_end: int) -> None:
    code = _FAILED
    try:
        with os.fdopen(write_end, "wb") as pipe:
            pipe.write(function())
        code = 0
    except SystemExit as ended:
        code = _exit_code(ended.code)
    except KeyboardInterrupt:
        # The parent has got it too and says so.
        code = _FAILED
    except BaseException:  # noqa: BLE001 - the parent's code must not run twice
        import traceback  # noqa: PLC0415

        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)
