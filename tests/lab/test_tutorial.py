"""Tests of pages that are run: the output of commands is compared with the page."""

from pathlib import Path

import pytest

from tests.lab.tutorial import Command, File, Shell, steps

PAGE = """\
```toml a.toml
b = 1
```

```console
$ echo one; echo two
one
two
$ cd /
```

```yaml
unnamed: true
```
"""


def test_a_pages_steps_are_its_commands_and_its_named_files() -> None:
    assert steps(PAGE) == [
        File("a.toml", "b = 1\n"),
        Command("echo one; echo two", "one\ntwo\n"),
        Command("cd /", ""),
    ]


@pytest.mark.parametrize(
    ("expected", "output", "is_match"),
    [
        ("one\n", "one\n", True),
        ("one\n", "one\ntwo\n", False),
        ("one\n", "", False),
        ("", "one\n", False),
        ("o.e\n", "one\n", False),
        ("up … s, … left\n", "up 12 s, 0 left\n", True),
        ("up … s\n", "up 12\n s\n", False),
        ("one\n…\nfour\n", "one\ntwo\nthree\nfour\n", True),
        ("one\n…\nfour\n", "one\nfour\n", True),
        ("one\n…\nfour\n", "one\nfive\n", False),
    ],
)
def test_an_ellipsis_stands_for_any_text(expected: str, output: str, is_match: bool) -> None:
    assert Command("", expected).matches(output, 1) is is_match


@pytest.mark.parametrize(("status", "is_match"), [(0, True), (1, False)])
def test_if_any_output_is_expected_the_status_must_be_0(status: int, is_match: bool) -> None:
    assert Command("", "…\n").matches("anything\n", status) is is_match


def test_files_are_written_to_the_working_directory_of_the_shell(short_path: Path) -> None:
    with Shell(short_path, []) as shell:
        shell.run_step(Command("mkdir deep && cd deep", ""))
        shell.run_step(File("a", "found\n"))
        shell.run_step(Command("cat a; false", "found\n"))
        assert shell.status == 1
    assert (short_path / "deep" / "a").read_text() == "found\n"


def test_an_unexpected_output_is_reported_with_the_expected_one(short_path: Path) -> None:
    with Shell(short_path, []) as shell, pytest.raises(AssertionError, match=r"b\n--- instead"):
        shell.run_step(Command("echo b", "a\n"), timeout=0.2)
