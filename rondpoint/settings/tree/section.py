"""The base class of all sections of the settings tree."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

_IRREGULAR = {
    "access_key_id": "accessKeyID",
    "allow_acme_by_pass": "allowACMEByPass",
    "client_ca": "clientCA",
    "client_ca_files": "clientCAFiles",
    "disable_ans_checks": "disableANSChecks",
    "kubernetes_crd": "kubernetesCRD",
    "native_lb_by_default": "nativeLBByDefault",
    "marathon_lb_compatibility": "marathonLBCompatibility",
    "require_all_rns": "requireAllRNS",
    "root_cas": "rootCAs",
    "trusted_ips": "trustedIPs",
    "use_bind_port_ip": "useBindPortIP",
}


def setting_key(attribute: str) -> str:
    """Return the key of an attribute as the documentation spells it: `graceTimeOut` for `grace_time_out`."""
    if attribute in _IRREGULAR:
        return _IRREGULAR[attribute]
    first, *rest = attribute.split("_")
    return first + "".join(word.capitalize() for word in rest)


class Section(BaseModel):
    """A group of settings: immutable, created by attribute names or keys.

    No unknown key reaches a section: `merge` has already reported it with its location.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=setting_key, populate_by_name=True)
