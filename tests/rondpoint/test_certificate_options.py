"""Values of options that name files or hold PEM text."""

import pytest

from rondpoint.certificate_options import may_be_shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("client.key", True),
        ("secrets/tls_key", True),
        ("/etc/rondpoint/certificates/production/client-key", True),
        ("certificates/production/of-all-hosts-together/client.key", True),
        ("-----BEGIN PRIVATE KEY-----", False),
        ("----BEGIN PRIVATE KEY----- MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEH", False),
        ("MIGHAgEA/MBMGByqGSM49/AgEGCCqGSM49AwEHBG0w/awIB", False),
        ("/9k=\nabcd", False),
    ],
)
def test_what_may_be_a_key_is_not_shown(text: str, expected: bool) -> None:
    assert may_be_shown(text) is expected
