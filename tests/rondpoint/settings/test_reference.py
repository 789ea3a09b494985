"""The reference page of the settings is up to date and complete."""

from __future__ import annotations

from pathlib import Path

import pytest

import rondpoint.settings.reference as reference
from rondpoint.settings import Settings
from rondpoint.settings.sources.environment import variable_name
from rondpoint.settings.tree.section import fields_of
from rondpoint.settings.vocabulary import all_paths, build_vocabulary

_PAGE = Path(__file__).parents[3] / "docs" / "reference" / "settings.md"


def test_the_page_is_up_to_date() -> None:
    generated = reference.page()
    assert _PAGE.read_text() == generated, (
        "run: python -m rondpoint.settings.reference > docs/reference/settings.md"
    )


def test_every_setting_is_described() -> None:
    rows = [line for line in reference.page().splitlines() if line.startswith("| `")]
    undescribed = [row for row in rows if row.endswith("| |")]
    assert undescribed == []


def test_no_two_settings_share_a_variable() -> None:
    names = [variable_name(path) for path in all_paths(build_vocabulary())]
    assert len(names) == len(set(names))


def test_the_tree_is_immutable() -> None:
    assert all(field.type is not dict for field in fields_of(Settings).values())
    settings = Settings()
    for name in ("workers", "unknown"):
        with pytest.raises(AttributeError):
            setattr(settings, name, 2)
    with pytest.raises(AttributeError):
        del settings.workers
