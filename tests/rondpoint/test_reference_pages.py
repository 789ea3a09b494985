"""Reference pages with generated blocks."""

from __future__ import annotations

import pytest

from rondpoint.reference_pages import fill_blocks, first_clause, format_default, markdown_table

PAGE = """\
# Page
<!-- one -->
old
<!-- /one -->
between
<!-- two -->
<!-- /two -->
"""


def test_blocks_are_inserted_and_all_other_text_stays() -> None:
    page = fill_blocks(PAGE, {"one": "new", "two": r"\1"})
    assert page == PAGE.replace("old", "new").replace("<!-- two -->\n", "<!-- two -->\n\\1\n")
    assert fill_blocks(page, {"one": "new", "two": r"\1"}) == page


@pytest.mark.parametrize("blocks", [{"one": ""}, {"one": "", "two": "", "three": ""}])
def test_a_page_must_have_exactly_the_generated_blocks(blocks: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="expected"):
        fill_blocks(PAGE, blocks)


def test_a_block_may_appear_only_once() -> None:
    with pytest.raises(ValueError, match="the page has the blocks"):
        fill_blocks(PAGE + PAGE, {"one": "", "two": ""})


def test_a_markdown_table() -> None:
    assert markdown_table(("a", ""), [("1", ""), ("", "2")]) == "\n| a | |\n| --- | --- |\n| 1 | |\n| | 2 |\n"


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
def test_the_first_clause_of_a_docstring_is_found(reader: object, words: str) -> None:
    assert first_clause(reader) == words


def test_a_reader_without_docstring_is_refused() -> None:
    with pytest.raises(ValueError, match="has no docstring"):
        first_clause(lambda value: value)


@pytest.mark.parametrize(
    ("default", "shown"),
    [(True, "`true`"), (30.0, "`30s`"), (0.0, "`0`"), (("a", "b"), "`a,b`"), ((), ""), (0, "`0`"), ("", "")],
)
def test_defaults_are_formatted_as_in_labels_and_files(default: object, shown: str) -> None:
    assert format_default(default) == shown
