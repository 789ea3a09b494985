"""A default rule with every template function, for containers that select it with a label."""

# The first part of a host: the template, and its result.
_FUNCTIONS = {
    "printf": ("""{{ printf "%s.%s" "a" .Labels.zone }}""", "a.eu"),
    "pipe": ("""{{ .Labels.zone | printf "%s%%" | trimSuffix "%" }}""", "eu"),
    "prefix": ("""{{ trimPrefix "my-" .Labels.own }}""", "box"),
    "suffix": ("""{{ .Labels.own | trimSuffix "-box" }}""", "my"),
    "case": ("""{{ .Labels.zone | upper | lower }}""", "eu"),
    "replace": ("""{{ .Labels.own | replace "-" "." }}""", "my.box"),
    "trim": ("""{{ trim " a " }}{{ trimAll "/" "/b/" }}{{ nospace " c d " }}""", "abcd"),
    "default": ("""{{ .Labels.none | default "d" }}{{ .Labels.zone | default "d" }}""", "deu"),
    "coalesce": ("""{{ coalesce .Labels.none .Labels.zone .Name }}""", "eu"),
    "ternary": ("""{{ ternary "a" "b" (eq .Labels.zone "eu" "us") }}""", "a"),
    "other": ("""{{ ternary "a" "b" (ne .Labels.zone "eu") }}""", "b"),
    "and": ("""{{ and .Labels.zone .Labels.own }}{{ and (index .Labels "none") .Name }}""", "my-box"),
    "or": ("""{{ or .Labels.none .Labels.own }}{{ not .Labels.none }}""", "my-boxtrue"),
    "contains": ("""{{ contains "y-" .Labels.own }}""", "true"),
    "ends": ("""{{ hasPrefix "my" .Labels.own }}{{ hasSuffix "my" .Labels.own }}""", "truefalse"),
    "index": ("""{{ index .Labels "a.b" }}{{ index .Labels "none" }}{{ .ContainerName }}""", "dotted{n}"),
    "normal": ("""{{ normalize .Labels.spaced }}{{ normalize .ContainerName }}""", "a-b-c{n}"),
    "else": ("""{{ if .Labels.none }}a{{ else if .Labels.zone }}b{{ else }}c{{ end }}""", "b"),
    "nested": ("""{{ if .Name }}{{ if .Labels.none }}a{{ end }}b{{ else }}c{{ end }}""", "b"),
    "comment": ("""{{/* what for */}}a{{- /* none */ -}} b""", "ab"),
}

LABELS = {"rule": "all", "zone": "eu", "own": "my-box", "a.b": "dotted", "spaced": "a  b_c"}
"""The labels of a container that selects the rule with all functions."""

REQUESTS = [f"{text}.{name}.filled-in/" for name, (_, text) in _FUNCTIONS.items()]

_ALL_FUNCTIONS = " || ".join(
    f"Host(`{template}.{name}.filled-in`)" for name, (template, _) in _FUNCTIONS.items()
)

DEFAULT_RULE = (
    f"""{{{{ if eq (index .Labels "rule") "all" }}}}{_ALL_FUNCTIONS}"""
    """{{ else if hasPrefix "els" (index .Labels "rule") -}} Host(`elsewhere.filled-in`) {{- else }}"""
    """Host(`{{ normalize .Name }}`){{ end }}"""
)
"""For containers without the label `rule`, it is Traefik's own default rule."""
