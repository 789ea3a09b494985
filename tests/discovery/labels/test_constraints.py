"""Constraints in both dialects, and errors in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discovery.labels.constraints import ConstraintError, ConstraintSubject, parse

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
def test_constraints_match_or_not(text: str, expected: bool) -> None:
    assert parse(text)(ConstraintSubject(("raw", "k=v"), ("api-1", "b"), {"env": "live"})) is expected


BAD = [
    ("Tagg(`a`)", "did you mean Tag"),
    ("Tag(a)", "in quotes"),
    ("Tag(`a`", "is missing"),
    ("Tag(`a`) Tag(`b`)", "unexpected"),
    ("TagRegex(`(`)", "not a regular expression"),
    ("Label(`a`)", ", is missing"),
    ("LabelRegex(`a`, `(`)", "not a regular expression"),
    ("Label(`a`, b)", "two texts in quotes"),
    ("tag==a, b", "not of the form"),
    ("name==a", "not of the form"),
    ("(" * 60 + "Tag(`a`)", "nested too deeply"),
]


@pytest.mark.parametrize(("text", "words"), BAD)
def test_an_invalid_constraint_is_refused_with_the_reason(text: str, words: str) -> None:
    with pytest.raises(ConstraintError, match=words):
        parse(text)


@given(st.text(alphabet='Tag(`")!&| ,=*\\regexb', max_size=40))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        parse(text)(ConstraintSubject(("a",)))
    except ConstraintError as error:
        assert "\n" not in str(error)
