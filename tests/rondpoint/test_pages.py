"""Pages with blocks that are made from the code."""

from __future__ import annotations

import pytest

from rondpoint.pages import filled, table

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
