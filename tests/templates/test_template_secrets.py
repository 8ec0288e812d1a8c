"""A secret never gets into what is shown; the text that is written has it."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from templates_shared import header, template

from provision.report import FORMATS
from provision.report import render as report
from provision.templates.layers import PlainLayer
from provision.templates.rendering import Rendered, compile_template, render
from provision.templates.secrets import Secrets
from provision.templates.values import Values, gathered
from provision.transpile.author import Options
from provision.transpile.compile import Compiled

SECRET = "s3cr3t-T0k3n: 'x' \"y\" ü"
HEAD = "variant: fcos\nversion: 1.6.0\nstorage:\n  files:\n"
SCHEMA = "type: string, minLength: 3, secret: true"


def everything(found: Rendered | Compiled) -> str:
    """All that any report says of it."""
    return "".join(report(found.diagnostics, found.sources, format, files=["t"]) for format in FORMATS)


def forms(secret: str) -> list[str]:
    data = secret.encode()
    return [
        secret,
        base64.b64encode(data).decode(),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
    ]


def assert_hidden(text: str, secret: str = SECRET) -> None:
    for form in forms(secret):
        assert form not in text


@pytest.mark.parametrize(
    "expression",
    [
        "{{ x | to_yaml }}", "{{ x | to_json }}", "{{ x | b64 }}", "{{ ('pre' ~ x) | b64 }}", "{{ x | sha512 }}", "{{ x | password_hash }}",
        "'{{ x | replace(\"'\", \"''\") }}'", "{{ (x ~ '\\n') | b64 }}", "{{ x | urlencode }}", "{{ x | b64 | b64 }}",
    ],
)  # fmt: skip
def test_a_secret_is_hidden_in_every_form_that_a_template_can_give_it(expression: str) -> None:
    text = header(x=SCHEMA) + HEAD + f"    - path: {expression}\n      mode: 640\n"
    found = compile_template(template(text), gathered([("x", SECRET)]), Options())
    assert {each.code for each in found.diagnostics} >= {"PV605"}
    said = everything(found)
    assert_hidden(said)
    written = render(template(text), gathered([("x", SECRET)])).text
    assert written is not None
    made = written.split("path: ")[1].split("\n")[0]
    assert made not in said


def test_the_text_itself_has_the_secret() -> None:
    found = render(template(header(x=SCHEMA) + "{{ x }}"), gathered([("x", SECRET)]))
    assert found.text == SECRET


@pytest.mark.parametrize("body", ["{{ 1 / 0 }}{{ x }}", "{{ fail(x) }}", "{{ x.foo }}", "{{ x | int(base=99) }}", "{{ [][x] }}", "{{ {}[x] }}", "{{ x | ip_network }}", "{{ x + 1 }}", "{% include x %}"])  # fmt: skip
def test_errors_of_rendering_do_not_tell_it(body: str) -> None:
    found = render(template(header(x=SCHEMA) + body), gathered([("x", SECRET)]))
    assert found.diagnostics or body == "{{ x | int(base=99) }}"
    assert_hidden(everything(found))


@pytest.mark.parametrize("schema", ["type: integer, secret: true", "type: string, minLength: 99, secret: true", "type: string, pattern: '^a$', secret: true", "'enum': [aaa, bbb], secret: true", "type: string, format: ip, secret: true", "type: array, secret: true", "const: 5, secret: true", "anyOf: [{type: integer}, {type: array}], secret: true", "type: object, secret: true"])  # fmt: skip
def test_a_secret_that_does_not_fit_is_not_quoted(schema: str, tmp_path: object) -> None:
    from pathlib import Path

    file = Path(str(tmp_path)) / "v.yaml"
    file.write_text(f"# values\nx: {json.dumps(SECRET)}\n")
    for values in (
        gathered([("x", SECRET)]),
        gathered(files=[str(file)]),
        gathered(environ={"PROVISION_VAR_x": SECRET}),
    ):
        found = render(template(header(x=schema)), values)
        assert found.diagnostics
        assert_hidden(everything(found))


def test_a_secret_that_another_value_replaced_is_hidden_too() -> None:
    values = gathered([("x", "first-secret"), ("x", SECRET), ("y", "1")])
    found = render(template(header(x=SCHEMA) + "{{ x }}"), values)
    assert [each.code for each in found.diagnostics] == ["PV784"]
    assert_hidden(everything(found))
    assert "first-secret" not in everything(found)


def test_secrets_in_lists_and_mappings_are_hidden() -> None:
    text = header(x="type: object, secret: true") + "{% for k, v in x | items %}{{ fail(v[0]) }}{% endfor %}"
    found = render(template(text), Values([PlainLayer({"x": {"a": [SECRET]}})]))
    assert_hidden(everything(found))
    assert found.diagnostics[0].message == "…"


def test_the_lines_of_a_key_are_hidden_one_by_one() -> None:
    key = "-----BEGIN KEY-----\nAAAABBBBCCCC\nDDDDEEEEFFFF\n-----END KEY-----\n"
    text = (
        header(x=SCHEMA)
        + HEAD
        + "    - path: relative\n      contents:\n        inline: |\n          {{ x | indent(10) }}\n"
    )
    found = compile_template(template(text), Values([PlainLayer({"x": key})]), Options())
    assert found.hide is not None
    assert found.hide("  DDDDEEEEFFFF and AAAABBBBCCCC") == "  … and …"


def test_a_private_key_of_the_files_directory_is_a_secret(tmp_path: object) -> None:
    from pathlib import Path

    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqh\n-----END PRIVATE KEY-----\n"
    (Path(str(tmp_path)) / "key.pem").write_text(key)
    found = render(
        template("{# description: x #}\n{{ fail(file('key.pem').split('\\n')[1]) }}"), Values(), str(tmp_path)
    )
    assert found.diagnostics[0].message == "…"


def test_without_secrets_nothing_is_hidden() -> None:
    assert Secrets().hide("anything") == "anything"
    assert not Secrets(["", None, True, "ab"])
    assert Secrets(["abc", 12345]).hide("abcd 12345") == "…d …"


@given(st.text(min_size=3, max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_no_text_around_a_secret_gives_it_away(secret: str, before: str, after: str) -> None:
    hidden = Secrets([secret]).hide(before + secret + after)
    if secret not in before + "…" + after and "…" not in secret:
        assert secret not in hidden or secret in (before + after)


def test_a_value_whose_name_is_misspelt_is_hidden_as_if_it_were_the_secret() -> None:
    found = render(template(header(x=SCHEMA)), gathered([("xx", SECRET), ("x", "another-one")]))
    assert [each.code for each in found.diagnostics] == ["PV784"]
    assert_hidden(everything(found))


def test_values_of_the_environment_for_other_templates_are_hidden() -> None:
    found = render(
        template(header(x="default: 1")), gathered(environ={"PROVISION_VAR_token": SECRET, "PROVISION_VAR_x": "5"})
    )
    assert [(each.code, each.severity) for each in found.diagnostics] == [("PV784", "warning")]
    assert_hidden(everything(found))
    assert "PROVISION_VAR_x=5" in everything(found)
