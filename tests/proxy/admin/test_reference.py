"""The API's reference page matches the OpenAPI document."""

from __future__ import annotations

import re
from pathlib import Path

from proxy.admin.openapi.document import OPERATIONS, document
from proxy.admin.openapi.reference import blocks, required_right
from rondpoint.reference_pages import fill_blocks

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "api.md"
ROW = re.compile(r"^\| `([A-Z]+) (/\S*)` \|", re.MULTILINE)


def test_the_page_is_up_to_date() -> None:
    page = PAGE.read_text()
    assert page == fill_blocks(page, blocks()), "run: make reference"


def test_every_operation_has_a_row() -> None:
    documented = {
        (method.upper(), path) for path, methods in document()["paths"].items() for method in methods
    }
    rows = ROW.findall(PAGE.read_text())
    assert set(rows) == documented
    assert len(rows) == len(documented)


def test_every_parameter_and_every_status_has_a_row() -> None:
    made = blocks()
    for operation in OPERATIONS:
        assert [
            one.name for one in operation.parameters if f"| `{one.name}` |" not in made["parameters"]
        ] == []
        refusals = [status for status in operation.responses if status >= 400]
        assert [status for status in refusals if f"\n| {status} |" not in made["statuses"]] == []


def test_reading_requires_no_right_to_change() -> None:
    rights = {(operation.method, required_right(operation)) for operation in OPERATIONS}
    assert rights == {
        ("get", "none"), ("get", "read"), ("put", "change"), ("patch", "change"), ("delete", "change"),
        ("post", "change"),
    }  # fmt: skip
    assert [operation.path for operation in OPERATIONS if required_right(operation) == "none"] == ["/ping"]


def test_the_paths_named_in_the_prose_exist() -> None:
    """Placeholders match any name."""
    served = [re.sub(r"\{\w+\}", "[^/]+", operation.path) for operation in OPERATIONS]
    named = set(re.findall(r"`(?:[A-Z]+ )?(/(?:api|health|metrics|ping)[^`?]*)", PAGE.read_text()))
    prose = {path for path in named if "{" not in path}
    assert len(prose) > 5
    assert [path for path in prose if not any(re.fullmatch(one, path) for one in served)] == []
