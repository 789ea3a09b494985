"""Sets of status codes."""

import pytest

from proxy.http1.statuses import parse_statuses


@pytest.mark.parametrize(
    ("texts", "codes"),
    [
        ([], set()),
        (["404"], {404}),
        (["500-502", "404", "501-503"], {404, 500, 501, 502, 503}),
        (["503-500"], set()),
    ],
)
def test_codes_and_ranges_are_united(texts: list[str], codes: set[int]) -> None:
    assert parse_statuses(texts) == codes


@pytest.mark.parametrize("text", ["", "x", "500-", "-500", "4xx"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        parse_statuses(["404", text])
