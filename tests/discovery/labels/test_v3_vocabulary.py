"""Every HTTP label of Traefik 3.7.9's reference is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from discovery.labels.decode import decode
from tests.discovery.labels.containers import OPTIONS, container

LABELS = Path(__file__).with_name("v3_labels.txt").read_text().splitlines()
"""The names of docs/content/reference/dynamic-configuration/docker-labels.yml without duplicates."""


@pytest.mark.parametrize("label", LABELS)
def test_no_label_of_the_reference_is_unknown(label: str) -> None:
    found = decode(container(labels={label: "42"}), OPTIONS).diagnostics
    assert [item.message for item in found if "unknown" in item.message] == []


def test_a_label_that_is_not_in_the_reference_is_unknown() -> None:
    label = "traefik.http.middlewares.m.headers.framedny"
    found = decode(container(labels={label: "true"}), OPTIONS).diagnostics
    assert any(f"{label} is unknown" in item.message and "frameDeny" in item.hint for item in found)
