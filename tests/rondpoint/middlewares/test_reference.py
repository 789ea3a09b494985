"""The reference page of middlewares agrees with their schemas."""

from __future__ import annotations

from pathlib import Path

from rondpoint.middlewares.descriptions import DESCRIPTIONS, TCP_DESCRIPTIONS
from rondpoint.middlewares.kinds import SERVED_KINDS
from rondpoint.middlewares.reference import blocks, options, values
from rondpoint.middlewares.schemas import SCHEMAS, TCP_SCHEMAS
from rondpoint.reference_pages import fill_blocks

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "middlewares.md"


def test_the_page_is_up_to_date() -> None:
    page = PAGE.read_text()
    assert page == fill_blocks(page, blocks()), "run: make reference"


def test_every_option_has_a_description_and_every_description_an_option() -> None:
    known = {path for kind, schema in SCHEMAS.items() for path, _ in options(schema, kind)}
    assert DESCRIPTIONS.keys() == known | SCHEMAS.keys()
    tcp = {path for kind, schema in TCP_SCHEMAS.items() for path, _ in options(schema, kind)}
    assert TCP_DESCRIPTIONS.keys() == tcp | TCP_SCHEMAS.keys()


def test_every_option_describes_its_values() -> None:
    words = {values(option) for kind, schema in SCHEMAS.items() for _, option in options(schema, kind)}
    assert {"true or false", "a duration", "a whole number from 100 to 599"} <= words


def test_each_kind_is_under_its_heading() -> None:
    generated = blocks()
    for name, schemas in (("kinds", SCHEMAS), ("tcp-kinds", TCP_SCHEMAS)):
        for kind in schemas:
            assert f"### {kind}\n" in generated[name]


def test_every_kind_with_options_is_served() -> None:
    assert set(SCHEMAS) == SERVED_KINDS
