"""Changes of several headers at once, checked against changes one after the other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http1.header_changes import HeaderChanges
from proxy.http1.header_lines import header_line, values_of, without

NAMES = st.sampled_from(["Vary", "vary", "X-A", "x-a", "Set-Cookie", "X-A-B"])
VALUES = st.text("abc ,=", max_size=5).map(str.strip)
LINES = st.lists(st.tuples(NAMES, VALUES), max_size=6)
CHANGES = st.dictionaries(NAMES, VALUES, min_size=1)


@given(LINES, CHANGES)
def test_each_name_has_its_new_value_only_and_others_stay(
    pairs: list[tuple[str, str]], changes: dict[str, str]
) -> None:
    before = b"".join(header_line(name, value) for name, value in pairs)
    after = HeaderChanges(changes).apply(before)
    last = {name.lower(): value.encode() for name, value in changes.items()}
    for name, value in last.items():
        assert values_of(after, name.encode()) == ([value] if value else [])
        before, after = without(before, name.encode()), without(after, name.encode())
    assert after == before


@pytest.mark.parametrize("changes", [{"X A": ""}, {"X-A": "a\r\nX-B: c"}, {"": "a"}, {"X-A:": "a"}])
def test_what_no_header_may_contain_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="header"):
        HeaderChanges(changes)
