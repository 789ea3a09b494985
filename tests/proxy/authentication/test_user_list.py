"""Lists of users as htpasswd and htdigest write them."""

import os
from pathlib import Path

import pytest

from proxy.authentication.user_list import MAX_FILE_BYTES, UserListError, parse_users, read_users


def test_comments_and_empty_lines_are_skipped_and_the_last_line_of_a_user_wins() -> None:
    lines = [b"# users", b"", b" eve:{SHA}x ", b"  # eve:no", b"bob:$apr1$y", b"eve:{SHA}z"]
    assert parse_users(lines, 2) == {b"eve": "{SHA}z", b"bob": "$apr1$y"}


def test_users_of_htdigest_have_a_realm() -> None:
    assert parse_users([b"eve:a realm:abc"], 3) == {b"eve:a realm": "abc"}


@pytest.mark.parametrize(
    ("line", "parts", "reason"),
    [
        (b"eve", 2, "user 1 does not have the form NAME:HASH"),
        (b":s3cret", 2, "user 1 does not"),
        (b"eve:", 2, "user 1 does not"),
        (b"eve:realm:s3cret", 2, "user 1 does not"),
        (b"eve:s3cret", 3, "the form NAME:REALM:HASH"),
        (b"e\tve:s3cret", 2, "control character"),
        (b"e\rve:s3cret", 2, "control character"),
    ],
)
def test_errors_do_not_show_the_secret(line: bytes, parts: int, reason: str) -> None:
    with pytest.raises(UserListError, match=reason) as caught:
        parse_users([line], parts)
    assert "s3cret" not in str(caught.value)


def test_a_file_that_cannot_be_used(tmp_path: Path) -> None:
    pipe, large, bad = (tmp_path / name for name in ("pipe", "large", "bad"))
    os.mkfifo(pipe)
    with large.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    bad.write_text("# none\nnobody\n")
    for path, reason in (
        (tmp_path / "none", "none cannot be read: No such file"),
        (tmp_path, "is no file"),
        (pipe, "is no file"),
        (large, "more than"),
        (bad, "bad: user 2 does not have"),
    ):
        with pytest.raises(UserListError, match=reason):
            read_users(path, 2)
