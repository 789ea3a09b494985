"""What every section of the tree shares."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

_IRREGULAR = {"use_bind_port_ip": "useBindPortIP", "trusted_ips": "trustedIPs"}


def setting_key(attribute: str) -> str:
    """The key of an attribute as documentation writes it: `grace_time_out` is `graceTimeOut`."""
    if attribute in _IRREGULAR:
        return _IRREGULAR[attribute]
    first, *rest = attribute.split("_")
    return first + "".join(word.capitalize() for word in rest)


class Section(BaseModel):
    """A group of settings: immutable, built by attribute name or by key.

    Unknown keys never reach a section: the walk over the sources has answered them before, with the
    place they were written at.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=setting_key, populate_by_name=True)
