"""Constraints in both dialects, and what cannot be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discovery.constraints import ConstraintError, ConstraintSubject, parse

HOLDS = [
    ("", True),
    ("tag==api-*", True),
    ("tag != api-*", False),
    ("tag==b, tag!=c", True),
    ("tag==b,tag!=api-1", False),
    ("Tag(`raw`)", True),
    ('Tag("raw")', True),
    ("!Tag(`raw`)", False),
    ("Tag(`no`) || Tag(`raw`)", True),
    ("Tag(`no`) || Tag(`raw`) && Tag(`no`)", False),
    ("(Tag(`no`) || Tag(`raw`)) && !Tag(`no`)", True),
    ("TagRegex(`^r.w$`)", True),
    ("TagRegex(`^w`)", False),
    ("Label(`env`, `live`)", True),
    ("Label(`env`, `li`)", False),
    ("Label(`none`, ``)", False),
    ("LabelRegex(`env`, `^l.+e$`) && !LabelRegex(`env`, `^x`)", True),
    ("LabelRegex(`none`, ``)", False),
]


@pytest.mark.parametrize(("text", "expected"), HOLDS)
def test_constraints_hold_or_not(text: str, expected: bool) -> None:
    assert parse(text)(ConstraintSubject(("raw", "k=v"), ("api-1", "b"), {"env": "live"})) is expected


BAD = [
    ("Tagg(`a`)", "did you mean Tag"),
    ("Tag(a)", "in quotes"),
    ("Tag(`a`", "is missing"),
    ("Tag(`a`) Tag(`b`)", "unexpected"),
    ("TagRegex(`(`)", "no regular expression"),
    ("Label(`a`)", ", is missing"),
    ("LabelRegex(`a`, `(`)", "no regular expression"),
    ("Label(`a`, b)", "two texts in quotes"),
    ("tag==a, b", "none such as"),
    ("name==a", "none such as"),
    ("(" * 60 + "Tag(`a`)", "too deep"),
]


@pytest.mark.parametrize(("text", "words"), BAD)
def test_what_cannot_be_read_is_named(text: str, words: str) -> None:
    with pytest.raises(ConstraintError, match=words):
        parse(text)


@given(st.text(alphabet='Tag(`")!&| ,=*\\regexb', max_size=40))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        parse(text)(ConstraintSubject(("a",)))
    except ConstraintError as error:
        assert "\n" not in str(error)
