"""Suggestions for mistyped names."""

from rondpoint.rules.suggestions import MAX_LENGTH, did_you_mean, find_nearest

KNOWN = ("PathPrefix", "Host", "x" * MAX_LENGTH)


def test_the_nearest_name_is_found_whatever_its_case() -> None:
    assert find_nearest("pathprefx", KNOWN) == "PathPrefix"
    assert find_nearest("hots", iter(KNOWN)) == "Host"
    assert find_nearest("entirely", KNOWN) is None
    assert did_you_mean("hots", KNOWN[:2]) == "did you mean Host?"
    assert did_you_mean("entirely", KNOWN[:2]) == "known: Host, PathPrefix"


def test_names_over_the_limit_get_no_suggestion() -> None:
    assert find_nearest("x" * MAX_LENGTH, KNOWN) == KNOWN[-1]
    assert find_nearest("x" * (MAX_LENGTH + 1), KNOWN) is None
