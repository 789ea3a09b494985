"""Tests of private keys and certificate signing requests."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from discovery.acme.orders.private_keys import KEY_TYPES, generate_key, load_key, signing_request

NAMES = ("a.test", "*.b.test", "192.0.2.1", "2001:db8::1")


@pytest.mark.parametrize(
    ("key_type", "size", "header"),
    [("EC256", 256, "EC"), ("EC384", 384, "EC"), ("RSA2048", 2048, "RSA"), ("RSA4096", 4096, "RSA")],
)
def test_keys_have_the_type_that_the_settings_name(key_type: str, size: int, header: str) -> None:
    pem = generate_key(key_type)
    key = load_key(pem)
    assert pem.startswith(f"-----BEGIN {header} PRIVATE KEY-----")
    assert key.key_size == size
    assert isinstance(key, rsa.RSAPrivateKey if header == "RSA" else ec.EllipticCurvePrivateKey)


def test_all_types_of_traefik_exist() -> None:
    assert set(KEY_TYPES) == {"EC256", "EC384", "RSA2048", "RSA4096", "RSA8192"}


@pytest.mark.parametrize("text", ["", "secret", "-----BEGIN PRIVATE KEY-----\nsecret\n"])
def test_an_unreadable_key_is_not_shown(text: str) -> None:
    with pytest.raises(ValueError, match="cannot be read") as caught:
        load_key(text)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("names", "wanted", "expected"),
    [
        (NAMES, True, ["a.test"]),
        (NAMES, False, []),
        (("a." * 40 + "test",), True, []),
    ],
)
def test_the_common_name_is_the_first_name_if_it_fits(
    names: tuple[str, ...], wanted: bool, expected: list[str]
) -> None:
    request = signing_request(load_key(generate_key("EC256")), names, ["me@a.test"], common_name=wanted)
    assert [each.value for each in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == expected
    found = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = [str(each) for each in found.get_values_for_type(x509.IPAddress)]
    assert (*found.get_values_for_type(x509.DNSName), *addresses) == names
    assert found.get_values_for_type(x509.RFC822Name) == ["me@a.test"]
    assert request.is_signature_valid
