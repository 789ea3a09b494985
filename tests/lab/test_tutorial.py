"""What a page says a command writes is compared with what it writes."""

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
    ("expected", "output", "met"),
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
def test_an_ellipsis_stands_for_what_differs(expected: str, output: str, met: bool) -> None:
    assert Command("", expected).met_by(output, 1) is met


@pytest.mark.parametrize(("status", "met"), [(0, True), (1, False)])
def test_where_any_output_will_do_the_status_counts(status: int, met: bool) -> None:
    assert Command("", "…\n").met_by("anything\n", status) is met


def test_files_are_written_where_the_shell_is(short_path: Path) -> None:
    with Shell(short_path, []) as shell:
        shell.follow(Command("mkdir deep && cd deep", ""))
        shell.follow(File("a", "found\n"))
        shell.follow(Command("cat a; false", "found\n"))
        assert shell.status == 1
    assert (short_path / "deep" / "a").read_text() == "found\n"


def test_another_output_is_told_with_what_it_should_have_been(short_path: Path) -> None:
    with Shell(short_path, []) as shell, pytest.raises(AssertionError, match=r"b\n--- instead"):
        shell.follow(Command("echo b", "a\n"), timeout=0.2)
