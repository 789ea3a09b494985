"""The subset of Go's template language for default rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discovery.templates.template import LONGEST, TemplateError, Value, render

FIELDS: dict[str, Value] = {
    "Name": "web-shop",
    "ContainerName": "shop_web.1",
    "Labels": {"app": "hello", "a.b": "dotted"},
}

RENDERED = [
    ("plain", "plain"),
    ("", ""),
    ("Host(`{{ .Name }}`)", "Host(`web-shop`)"),
    ("Host(`{{.Name}}.{{ .ContainerName }}`)", "Host(`web-shop.shop_web.1`)"),
    ("{{ normalize .ContainerName }}", "shop-web-1"),
    ("{{ .ContainerName | normalize }}", "shop-web-1"),
    ("{{ upper .ContainerName }} {{ .ContainerName | upper | lower }}", "SHOP_WEB.1 shop_web.1"),
    ('{{ .ContainerName | replace "_" "." | trimSuffix ".1" }}', "shop.web"),
    ('{{ index .Labels "none" | default "x" }}{{ .ContainerName | default "x" }}', "xshop_web.1"),
    ('{{ trim " a " }}{{ trimAll "/" "/b/" }}{{ nospace " c d " }}', "abcd"),
    ('{{ index .Labels "a.b" }}', "dotted"),
    ("{{ index .Labels `a.b` }}", "dotted"),
    ('{{ index .Labels "none" }}', ""),
    ("{{ .Labels.app }}", "hello"),
    ('{{ trimPrefix "shop_" .ContainerName }}', "web.1"),
    ('{{ .ContainerName | trimPrefix "shop_" | normalize }}', "web-1"),
    ('{{ normalize (trimPrefix "shop_" .ContainerName) }}', "web-1"),
    ('{{ "}}" }}', "}}"),
    ("a {{- .Name -}} b", "aweb-shopb"),
    ("a {{- .Name }} b", "aweb-shop b"),
    ("{{/* why */}}a{{- /* not */ -}} b", "ab"),
    ("{{ if .Labels.app }}yes{{ end }}", "yes"),
    ("{{ if .Labels.none }}yes{{ else }}no{{ end }}", "no"),
    ("{{ if .Labels.none }}a{{ else if .Labels.app }}b{{ else }}c{{ end }}d", "bd"),
    ("{{ if .Name }}a{{ else if .Labels.app }}b{{ else }}c{{ end }}", "a"),
    ("{{ if .Labels.none }}a{{ if .Name }}b{{ end }}{{ else }}{{ if .Name }}c{{ end }}{{ end }}", "c"),
    ("{{ if .Labels.none }}{{ normalise }}{{ end }}", ""),
    ("x {{- if .Name -}} y {{- end -}} z", "xyz"),
    ('{{ if and .Labels.app (eq .Labels.app "x" "hello") }}a{{ end }}', "a"),
    ('{{ if or .Labels.none (ne .Name "x") }}a{{ end }}{{ if not .Name }}b{{ end }}', "a"),
    ('{{ if hasPrefix "web" .Name }}a{{ end }}{{ if hasSuffix "web" .Name }}b{{ end }}', "a"),
    ('{{ contains "shop" .Name }} {{ eq .Name "x" }}', "true false"),
    ("{{ coalesce .Labels.none .Labels.app .Name }}{{ coalesce .Labels.none }}", "hello"),
    ('{{ ternary "a" "b" (eq .Name "web-shop") }}{{ .Labels.none | ternary "a" "b" }}', "ab"),
    ("{{ or .Labels.none .Name }} {{ and .Name .Labels.none }}", "web-shop "),
    ('{{ printf "%s.%v%% %q" .Name .Labels.app "x" }}', 'web-shop.hello% "x"'),
]

REFUSED = [
    ("{{ .Name", "{{ is not closed by }}"),
    ("{{ }}", "a template has an empty action"),
    ("{{ .Nmae }}", "unknown field .Nmae (did you mean Name?)"),
    ("{{ normalise .Name }}", "unknown function normalise in a template (did you mean normalize?)"),
    ("{{ range .Labels }}x{{ end }}", "range in a template is not supported"),
    ("{{ if .Name }}x", "an if in a template has no end action"),
    ("x{{ end }}", "end in a template without if"),
    ("{{ if .Name }}{{ else }}{{ else }}{{ end }}", "a second else follows else in a template"),
    ("{{ if .Name }}{{ else .Name }}{{ end }}", "unexpected .Name after else in a template"),
    ("{{ if .Name }}{{ end .Name }}", "unexpected .Name after end in a template"),
    ("{{ if }}{{ end }}", "a template has an empty action"),
    ("{{ eq .Name }}", "eq takes two values or more, not 1"),
    ("{{ and }}", "and takes one value or more, not 0"),
    ('{{ printf "%s" }}', "printf '%s' asks for more values than it is given"),
    ('{{ printf "a" .Name }}', "printf 'a' is given more values than it asks for"),
    ("{{ normalize }}", "normalize takes 1 values, not 0"),
    ("{{ normalize .Name .Name }}", "normalize takes 1 values, not 2"),
    ("{{ .Labels }}", "an action of a template returns a map, but text is expected"),
    ("{{ normalize .Labels }}", "normalize takes text, not a map"),
    ('{{ index .Name "x" }}', "index looks into a map such as .Labels, not into text"),
    ("{{ .Name.Foo }}", ".Name.Foo: .Name is text and has no fields"),
    ("{{ (.Name }}", "( is not closed in a template"),
    ("{{ .Name ) }}", "unexpected ) in a template"),
    ("{{ .Name | .Name }}", ".Name in a template follows | but is no function"),
    ("{{ $x := 1 }}", "'$x := 1' in a template is not supported"),
    ("{{ " + "(" * 30 + ".Name" + ")" * 30 + " }}", "too many parentheses in a template"),
]


@pytest.mark.parametrize(("template", "text"), RENDERED)
def test_a_template_renders_to_text(template: str, text: str) -> None:
    assert render(template, FIELDS) == text


@pytest.mark.parametrize(("template", "message"), REFUSED)
def test_an_invalid_template_is_refused_with_the_reason(template: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        render(template, FIELDS)
    assert str(caught.value) == message


@given(
    st.text()
    | st.text(alphabet='{}.Name |()"`-index normalize if else end').map(lambda text: f"{{{{{text}}}}}")
)
def test_any_text_is_rendered_or_refused(template: str) -> None:
    try:
        assert isinstance(render(template, FIELDS), str)
    except TemplateError as error:
        assert str(error)


@pytest.mark.parametrize("opening", ["{{", "{{- ", "{{/*", "{{`"])
def test_a_long_unclosed_template_is_refused_quickly(opening: str) -> None:
    with pytest.raises(TemplateError, match=f"more than {LONGEST} characters"):
        render(opening * 200_000, {})
    with pytest.raises(TemplateError, match="not closed"):
        render(opening, {})
