"""Tests of how variables are read."""

from pathlib import Path

import pytest

from discovery.acme.dns.environment import Environment
from discovery.acme.dns.errors import ConfigurationError


@pytest.mark.parametrize(
    ("variables", "value"),
    [
        ({}, ""),
        ({"A": "1"}, "1"),
        ({"A": "", "B": "2"}, "2"),
        ({"A": "1", "B": "2"}, "1"),
        ({"A_FILE": "content"}, "from a file"),
        ({"A": "1", "A_FILE": "content"}, "1"),
        ({"A_FILE": "content", "B": "2"}, "from a file"),
        ({"B_FILE": "content"}, "from a file"),
    ],
)
def test_the_first_variable_that_is_set_counts_and_may_name_a_file(
    tmp_path: Path, variables: dict[str, str], value: str
) -> None:
    (tmp_path / "content").write_text("from a file\n")
    located = {name: str(tmp_path / text) if text == "content" else text for name, text in variables.items()}
    assert Environment(located).text("A", "B") == value


def test_variables_are_read_at_each_call(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("old")
    environment = Environment({"A_FILE": str(file)})
    assert environment.text("A") == "old"
    file.write_text("new")
    assert environment.text("A") == "new"


@pytest.mark.parametrize(("content", "reason"), [(None, "No such file"), (b"\xff\xfe", "not UTF-8")])
def test_a_file_that_cannot_be_read_is_an_error_with_its_variable(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=rf"^A_FILE: cannot read .*secret: .*{reason}"):
        Environment({"A_FILE": str(file)}).text("A")


@pytest.mark.parametrize("value", ["-1", "1s", "1.5", "²", "ten"])
def test_times_are_whole_numbers_of_seconds(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^A_TTL is no whole number"):
        Environment({"A_TTL": value}).integer(5, "A_TTL")


def test_defaults_apply_to_what_is_not_set() -> None:
    environment = Environment({"B": "7"})
    assert environment.integer(5, "A") == 5
    assert environment.seconds(0.5, "A") == 0.5
    assert environment.seconds(0.5, "A", "B") == 7


def test_secrets_are_masked_in_texts_and_urls() -> None:
    environment = Environment({"KEY": "a b/c+d", "USER": "someone", "PIN": "123"})
    environment.secret("KEY")
    environment.secret("PIN")
    environment.text("USER")
    text = "someone: a b/c+d https://x.test/?key=a%20b%2Fc%2Bd&k=a+b%2Fc%2Bd /a%20b/c%2Bd 123"
    assert environment.redact(text) == "someone: *** https://x.test/?key=***&k=*** /*** 123"
