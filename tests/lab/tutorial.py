"""Runs pages of the documentation: writes their files, and runs their console blocks in one shell.

In the expected output, `…` stands for any text: for a part of a line, or for any number of lines if it is
the whole line.
"""

import os
import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec import Struct

from tests.lab.errors import LabError

_BLOCK = re.compile(r"^```(\S+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = "--- end of command: "


class Command(Struct, frozen=True):
    """A command with its expected output."""

    text: str
    output: str

    def matches(self, output: str, status: int) -> bool:
        """Return whether the output is as expected; if any output is, the status must be 0."""
        if self.output == "…\n":
            return status == 0
        patterns = [
            "(?:.*\n)*" if line == "…\n" else "[^\n]*".join(map(re.escape, line.split("…")))
            for line in self.output.splitlines(keepends=True)
        ]
        return re.fullmatch("".join(patterns), output) is not None


class File(Struct, frozen=True):
    """A file that a page shows."""

    name: str
    text: str


def steps(page: str) -> list[Command | File]:
    """Return the commands of `console` blocks, after `$ `, and the files of blocks with a name."""
    found: list[Command | File] = []
    for kind, name, text in _BLOCK.findall(page):
        if kind == "console":
            for entry in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                command, _, output = entry.partition("\n")
                found.append(Command(command, output))
        elif name:
            found.append(File(name, text))
    return found


class Shell:
    """A bash with job control in its own network, so that a page's ports are free; it needs root."""

    def __init__(
        self,
        directory: Path,
        path: Sequence[str | Path],
        *,
        enter: Sequence[str] = ("unshare", "--net"),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start the shell; `path` is put before PATH, and `enter` is a command prefix for another network."""
        self.status = 0
        search = ":".join(map(str, [*path, "$PATH"]))
        self._shell = subprocess.Popen(
            [*enter, "bash", "--noprofile", "--norc"],
            cwd=directory,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.run(f'PATH="{search}"; ip link set lo up; set -m')

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.run("kill $(jobs -p) 2>/dev/null; wait")
        assert self._shell.stdin is not None
        self._shell.stdin.close()
        self._shell.wait(60)

    def run(self, command: str) -> str:
        """Run a command and return its output without lines of job control; set `status` to its status."""
        stdin, stdout = self._shell.stdin, self._shell.stdout
        assert stdin is not None
        assert stdout is not None
        # Without /dev/null, a program that reads stdin would read the next commands.
        stdin.write(f"{{ {command}\n}} </dev/null\nprintf '%s%s\\n' '{_MARK}' $?\n")
        stdin.flush()
        lines: list[str] = []
        while not (line := stdout.readline()).startswith(_MARK):
            if not line:
                raise LabError(f"the shell ended at {command!r}, after {''.join(lines)!r}")
            if not re.match(r"\[\d+\]", line):
                lines.append(line)
        self.status = int(line.removeprefix(_MARK))
        return "".join(lines)

    def run_step(self, step: Command | File, *, timeout: float = 120.0) -> None:
        """Run a command, or write a file to the shell's working directory.

        A command with an unexpected output is repeated for up to `timeout` seconds.
        """
        if isinstance(step, File):
            (Path(self.run("pwd").strip()) / step.name).write_text(step.text)
            return
        deadline = time.monotonic() + timeout
        while not step.matches(output := self.run(step.text), self.status):
            if time.monotonic() > deadline:
                raise AssertionError(f"$ {step.text}\n{output}--- instead of ---\n{step.output}")
            time.sleep(0.05)
