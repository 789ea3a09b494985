"""Tests of the reference page of DNS providers."""

from pathlib import Path

from discovery.acme.dns.providers.registry import PROVIDERS
from discovery.acme.dns.reference import blocks
from rondpoint.reference_pages import fill_blocks

DOCS = Path(__file__).parents[4] / "docs"


def test_the_page_is_up_to_date() -> None:
    text = (DOCS / "reference" / "dns-providers.md").read_text()
    assert text == fill_blocks(text, blocks()), "run: make reference"


def test_every_provider_is_on_one_of_the_two_pages() -> None:
    pages = (DOCS / "dns-providers.md").read_text() + (DOCS / "reference" / "dns-providers.md").read_text()
    assert [name for name in PROVIDERS if f"`{name}`" not in pages] == []
