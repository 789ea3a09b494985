"""How the tags of one provider's services are read."""

from __future__ import annotations

from msgspec import Struct


class TagOptions(Struct, frozen=True):
    """The options of one provider that its services' tags are decoded with.

    `provider` is in the names of objects, `section` in messages about settings. `own_labels` is the beginning
    of labels that are about the provider, and not about routes. Instances with one of
    `healthy_statuses` take requests. `domain` and `front_end_rule` are Traefik 1's.
    """

    provider: str
    section: str
    own_labels: str
    prefix: str
    exposed_by_default: bool
    default_rule: str
    domain: str = ""
    front_end_rule: str = ""
    healthy_statuses: tuple[str, ...] = ("passing",)
