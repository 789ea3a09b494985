"""Variables in compose files."""

from pathlib import Path

import pytest

from discovery.checking.variables import Variables, read_env_file

VALUES = {"A": "a", "EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "filled", "unset"),
    [
        ("$A ${A}.test", "a a.test", set()),
        ("$$A $${A}", "$A ${A}", set()),
        ("${A:-x} ${EMPTY:-x} ${EMPTY-x} ${NONE-x} ${NONE:-}", "a x  x ", set()),
        ("${A:+x} ${EMPTY:+x} ${NONE+x}", "x  ", set()),
        ("${NONE}$OTHER", "", {"NONE", "OTHER"}),
        ("${NONE:-${EMPTY:-x}} ${NONE-${A}}} ${A:+${A}b}", "x a} ab", set()),
        ("${NONE:-Host(`${B-b}.test`)} ${A:-${B}}", "Host(`b.test`) a", set()),
        ("${A ${} ${A b} ${NONE:-$$}", "${A ${} ${A b} $", set()),
        ("${NONE:-" * 100 + "}" * 100, "${NONE:-" * 79 + "}" * 79, set()),
        ("${EMPTY:?needed} ${EMPTY}", " ", {"EMPTY"}),
        ("Host(`a$`)", "Host(`a$`)", set()),
    ],
)
def test_variables_are_replaced(text: str, filled: str, unset: set[str]) -> None:
    variables = Variables(VALUES)
    assert (variables.fill(text), variables.unset) == (filled, unset)


def test_an_env_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    assert read_env_file(file) == {}
    file.write_text("# A=no\nA=1\n B = two words # comment\nexport C='x # y'\nnothing\nD=\n")
    assert read_env_file(file) == {"A": "1", "B": "two words", "C": "x # y", "D": ""}
