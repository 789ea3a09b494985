"""Names that were perhaps meant."""

from rondpoint.rules.suggestions import LONGEST, did_you_mean, nearest

KNOWN = ("PathPrefix", "Host", "x" * LONGEST)


def test_the_nearest_is_found_whatever_its_case() -> None:
    assert nearest("pathprefx", KNOWN) == "PathPrefix"
    assert nearest("hots", iter(KNOWN)) == "Host"
    assert nearest("entirely", KNOWN) is None
    assert did_you_mean("hots", KNOWN[:2]) == "did you mean Host?"
    assert did_you_mean("entirely", KNOWN[:2]) == "known: Host, PathPrefix"


def test_what_is_longer_than_names_are_is_not_searched_for() -> None:
    assert nearest("x" * LONGEST, KNOWN) == KNOWN[-1]
    assert nearest("x" * (LONGEST + 1), KNOWN) is None
