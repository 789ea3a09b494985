"""Pages with blocks that are made from the code."""

from __future__ import annotations

import pytest

from rondpoint.reference_pages import filled, first_clause, shown_default, table

PAGE = """\
# Page
<!-- one -->
old
<!-- /one -->
between
<!-- two -->
<!-- /two -->
"""


def test_blocks_are_put_in_and_all_else_stays() -> None:
    page = filled(PAGE, {"one": "new", "two": r"\1"})
    assert page == PAGE.replace("old", "new").replace("<!-- two -->\n", "<!-- two -->\n\\1\n")
    assert filled(page, {"one": "new", "two": r"\1"}) == page


@pytest.mark.parametrize("blocks", [{"one": ""}, {"one": "", "two": "", "three": ""}])
def test_a_page_has_the_blocks_that_are_made_and_no_others(blocks: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="is to have"):
        filled(PAGE, blocks)


def test_a_block_stands_in_a_page_once() -> None:
    with pytest.raises(ValueError, match="the page has the blocks"):
        filled(PAGE + PAGE, {"one": "", "two": ""})


def test_a_table() -> None:
    assert table(("a", ""), [("1", ""), ("", "2")]) == "\n| a | |\n| --- | --- |\n| 1 | |\n| | 2 |\n"


def one_line() -> None:
    """A whole number: written as such."""


def several_lines() -> None:
    """A list of texts, `a|b`; empty ones are dropped.

    Raises ValueError.
    """


def no_stop() -> None:
    """Texts by name"""


@pytest.mark.parametrize(
    ("reader", "words"),
    [(one_line, "a whole number"), (several_lines, "a list of texts, `a\\|b`"), (no_stop, "texts by name")],
)
def test_a_reader_says_what_it_reads(reader: object, words: str) -> None:
    assert first_clause(reader) == words


def test_a_reader_without_a_word_is_told_of() -> None:
    with pytest.raises(ValueError, match="does not say what it reads"):
        first_clause(lambda value: value)


@pytest.mark.parametrize(
    ("default", "shown"),
    [(True, "`true`"), (30.0, "`30s`"), (0.0, "`0`"), (("a", "b"), "`a,b`"), ((), ""), (0, "`0`"), ("", "")],
)
def test_defaults_are_shown_as_they_are_written(default: object, shown: str) -> None:
    assert shown_default(default) == shown
