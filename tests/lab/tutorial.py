"""Pages of documentation that are run: console blocks in one shell, files written where they are shown.

In what a command writes, `…` stands for what differs from time to time: a part of a line, or any lines,
where it is all of one.
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
    """A command, and what it must write."""

    text: str
    output: str

    def met_by(self, output: str, status: int) -> bool:
        """Whether the command did what it must; where any output will do, its status is to be 0."""
        if self.output == "…\n":
            return status == 0
        parts = [
            "(?:.*\n)*" if line == "…\n" else "[^\n]*".join(map(re.escape, line.split("…")))
            for line in self.output.splitlines(keepends=True)
        ]
        return re.fullmatch("".join(parts), output) is not None


class File(Struct, frozen=True):
    name: str
    text: str


def steps(page: str) -> list[Command | File]:
    """The commands of `console` blocks, after `$ `, and the files of blocks that have a name."""
    found: list[Command | File] = []
    for kind, name, text in _BLOCK.findall(page):
        if kind == "console":
            for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                command, _, output = part.partition("\n")
                found.append(Command(command, output))
        elif name:
            found.append(File(name, text))
    return found


class Shell:
    """A bash with job control in a network of its own, so that a page's ports are free; root only."""

    def __init__(
        self,
        directory: Path,
        path: Sequence[str | Path],
        *,
        enter: Sequence[str] = ("unshare", "--net"),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`path` goes before the PATH, `enter` before the shell, for another network."""
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
        """What a command writes, job control's own lines aside; `status` is its exit status then."""
        stdin, stdout = self._shell.stdin, self._shell.stdout
        assert stdin is not None
        assert stdout is not None
        # Programs that read would otherwise read the commands that follow.
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

    def follow(self, found: Command | File, *, timeout: float = 120.0) -> None:
        """Do one step; a command with another output than it must have is tried again, for a while.

        Files are written to where the shell is.
        """
        if isinstance(found, File):
            (Path(self.run("pwd").strip()) / found.name).write_text(found.text)
            return
        deadline = time.monotonic() + timeout
        while not found.met_by(output := self.run(found.text), self.status):
            if time.monotonic() > deadline:
                raise AssertionError(f"$ {found.text}\n{output}--- instead of ---\n{found.output}")
            time.sleep(0.05)
