"""Makes Traefik 1's rule of a path, which may change the request as well as match it."""

from __future__ import annotations

from discovery.providers.kubernetes_ingress.v1_annotations import V1Annotations

RULE_ANNOTATIONS = ("rewrite-target", "request-modifier", "rule-type")
_TYPES = ("Path", "PathPrefix", "PathStrip", "PathPrefixStrip", "ReplacePath")
_MODIFIERS = ("AddPrefix", "ReplacePath", "ReplacePathRegex")


def v1_rule(host: str, path: str, matcher: str, annotations: V1Annotations) -> str:
    """Return the rule; `matcher` is the default of the annotation `rule-type`.

    Raises ValueError with the reason if annotations contradict each other or have an invalid value.
    """
    parts = [*_path_rule(path, matcher, annotations)] if path else []
    if host:
        parts.append(_host_rule(host))
    return ";".join(parts) or "PathPrefix:/"


def _host_rule(host: str) -> str:
    if "*" in host:
        return f"HostRegexp:{host.replace('*', '{subdomain:[A-Za-z0-9-_]+}', 1)}"
    return f"Host:{host}"


def _path_rule(path: str, matcher: str, annotations: V1Annotations) -> list[str]:
    rule_type = annotations.text("rule-type") or matcher
    if rule_type not in _TYPES:
        at = annotations.written("rule-type")
        raise ValueError(f"annotation {at} is {rule_type!r}, expected one of {', '.join(_TYPES)}")
    parts = [f"{rule_type}:{path}"]
    target = annotations.text("rewrite-target")
    if target:
        _refuse_replace_path(rule_type, "rewrite-target", annotations)
        # The target of / has no slash at its end to remove.
        matched = "" if path == "/" else path
        parts.append(f"ReplacePathRegex:^{matched}(.*) {target.rstrip('/')}$1")
    modifier = annotations.text("request-modifier").rstrip(" :")
    if modifier:
        kind, colon, value = (part.strip() for part in modifier.partition(":"))
        if not colon or kind not in _MODIFIERS or not value:
            at = annotations.written("request-modifier")
            raise ValueError(
                f"annotation {at} is {modifier!r}, expected one of {', '.join(_MODIFIERS)}, : and a value"
            )
        _refuse_replace_path(rule_type, "request-modifier", annotations)
        parts.append(f"{kind}:{value}")
    return parts


def _refuse_replace_path(rule_type: str, other: str, annotations: V1Annotations) -> None:
    if rule_type == "ReplacePath":
        raise ValueError(
            f"annotation {annotations.written(other)} contradicts {annotations.written('rule-type')}: "
            f"{rule_type}"
        )
