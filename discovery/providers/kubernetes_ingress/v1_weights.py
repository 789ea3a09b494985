"""Reads Traefik 1's annotation `service-weights`, which shares out the requests of a path among services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import yaml

from discovery.providers.kubernetes_ingress.v1_annotations import V1Annotations

SCALE = 1_000
"""Weights for one percent, as the annotation may have three decimals."""


def read_weights(annotations: V1Annotations) -> Mapping[str, float]:
    """Return percentages by service. Raises ValueError with the reason."""
    at = annotations.written("service-weights")
    try:
        found = yaml.safe_load(annotations.text("service-weights"))
    except yaml.YAMLError as error:
        raise ValueError(f"annotation {at} is not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(found, Mapping) or not found:
        raise ValueError(f"annotation {at} is not valid, expected lines such as shop: 30%")
    return {str(name): _percentage(value, at) for name, value in found.items()}


def share_weights(percentages: Mapping[str, float], servers: Sequence[tuple[str, int]]) -> tuple[int, ...]:
    """Return the weight of each service of a path, given as names and numbers of servers.

    Services without a percentage share what the others leave, by their servers. Raises ValueError if the
    percentages exceed 100, or do not reach it and no service is left.
    """
    given = sum(percentages.get(name, 0.0) for name, _ in servers)
    left = 100.0 - given
    others = sum(count for name, count in servers if name not in percentages)
    if left < -1e-9:
        raise ValueError(f"the weights of services of one path are {given:g} %, more than 100 %")
    if left > 1e-9 and all(name in percentages for name, _ in servers):
        raise ValueError(f"the weights of services of one path are {given:g} %, and no service is left")
    return tuple(
        round(SCALE * (percentages[name] if name in percentages else left * count / max(1, others)))
        for name, count in servers
    )


def _percentage(value: object, at: str) -> float:
    text = str(value).strip()
    try:
        number = float(text.removesuffix("%")) * (1 if text.endswith("%") else 100)
    except ValueError:
        raise ValueError(f"annotation {at}: {text!r} is no percentage") from None
    if not 0 <= number <= 100:
        raise ValueError(f"annotation {at}: {text!r} is not between 0 % and 100 %")
    return number
