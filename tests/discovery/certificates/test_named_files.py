"""Where a change can replace the contents of a file."""

from pathlib import Path

import pytest

from discovery.certificates.named_files import places_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with Certbot's links, with those of Kubernetes, and with a circle."""
    for name in ("archive", "live", "secret/..1"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "archive/cert1.pem").touch()
    (tmp_path / "live/cert.pem").symlink_to("../archive/cert1.pem")
    (tmp_path / "secret/..1/tls.crt").touch()
    (tmp_path / "secret/..data").symlink_to("..1")
    (tmp_path / "secret/tls.crt").symlink_to("..data/tls.crt")
    (tmp_path / "certs").symlink_to(tmp_path / "live")
    (tmp_path / "circle").symlink_to("circle")
    return tmp_path


PLACES = {
    "archive/cert1.pem": ["archive/cert1.pem"],
    "live/cert.pem": ["live/cert.pem", "archive/cert1.pem"],
    "live/../live/cert.pem": ["live/cert.pem", "archive/cert1.pem"],
    "certs/cert.pem": ["certs", "live/cert.pem", "archive/cert1.pem"],
    "secret/tls.crt": ["secret/tls.crt", "secret/..data", "secret/..1/tls.crt"],
    "live/missing.pem": ["live/missing.pem"],
    "missing/deeper/cert.pem": ["missing"],
}


@pytest.mark.parametrize("name", PLACES)
def test_places(folder: Path, name: str) -> None:
    assert places_of(f"{folder}/{name}") == tuple(f"{folder}/{place}" for place in PLACES[name])


def test_a_circle_of_links_ends(folder: Path) -> None:
    assert set(places_of(f"{folder}/circle/cert.pem")) == {f"{folder}/circle", str(folder)}
