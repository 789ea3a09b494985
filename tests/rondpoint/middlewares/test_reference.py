"""The reference page of the middlewares says what their schemas say."""

from __future__ import annotations

from pathlib import Path

from rondpoint.middlewares.descriptions import DESCRIPTIONS
from rondpoint.middlewares.kinds import SERVED_KINDS
from rondpoint.middlewares.reference import blocks, options, values
from rondpoint.middlewares.schemas import SCHEMAS
from rondpoint.reference_pages import fill_blocks

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "middlewares.md"


def test_the_page_is_up_to_date() -> None:
    page = PAGE.read_text()
    assert page == fill_blocks(page, blocks()), "run: make reference"


def test_every_option_has_a_meaning_and_every_meaning_an_option() -> None:
    known = {path for kind, schema in SCHEMAS.items() for path, _ in options(schema, kind)}
    assert DESCRIPTIONS.keys() == known | SCHEMAS.keys()


def test_every_option_says_what_may_be_written_for_it() -> None:
    words = {values(option) for kind, schema in SCHEMAS.items() for _, option in options(schema, kind)}
    assert {"true or false", "a duration", "a whole number from 100 to 599"} <= words


def test_a_kind_stands_where_it_is_served() -> None:
    made = blocks()
    for kind in SCHEMAS:
        assert (f"### {kind}\n" in made["served"]) == (kind in SERVED_KINDS)
        assert (f"### {kind}\n" in made["unserved"]) == (kind not in SERVED_KINDS)
