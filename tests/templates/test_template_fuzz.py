"""Nothing that is written in a template or its header is more than diagnostics."""

from hypothesis import given, settings
from hypothesis import strategies as st
from templates_shared import HEAD, rendered, template

from provision.diagnostics import LINE_END
from provision.templates.header import read_header
from provision.templates.layers import PlainLayer
from provision.templates.rendering import check, compile_template
from provision.templates.values import Values, gathered
from provision.transpile.author import Options

JINJA = st.lists(
    st.sampled_from([
        "{{", "}}", "{%", "%}", "{#", "#}", "-", "+", " ", "\n", "if", "else", "endif", "for", "in", "endfor", "set", "endset", "macro", "m(", ")",
        "endmacro", "call", "include", "import", "'t.bu.j2'", "x", "x.y", "[0]", "(", "|", "to_yaml", "indent", "1", "'a'", '"', "=", "~", "*", "**",
        ",", "is", "defined", "not", "raw", "endraw", "block b", "endblock", "a: ", "é", "\u2028", "loop", "recursive", "\\", "with", "filter trim", "{", "}",
    ]),
    max_size=25,
).map(" ".join)  # fmt: skip

YAML = st.lists(
    st.sampled_from([
        "description", "parameters", "family", ":", " ", "\n", "\n  ", "\n    ", "x", "type", "string", "integer", "[", "]", "{", "}", ",", "- ", "default",
        "enum", "items", "properties", "secret", "true", "null", "1.5", "'", '"', "&a", "*a", "!!int", "format", "hostname", "pattern", "(", "|", ">", "?", "<<",
        "additionalProperties", "required", "anyOf", "é", "#", "%",
    ]),
    max_size=25,
).map("".join)  # fmt: skip

SCHEMAS = st.recursive(
    st.sampled_from(["{}", "1", "null", "text", "true", "[]", "{type: string}", "{type: 5}", "{minimum: a}", "{enum: 5}", "{default: {}}", "{items: 5}"]),
    lambda inner: st.tuples(st.sampled_from(["items", "properties", "anyOf", "not", "default", "enum", "then", "prefixItems", "required"]), inner, st.booleans()).map(
        lambda given: f"{{{given[0]}: {f'[{given[1]}]' if given[2] else given[1]}}}"
    ),
    max_leaves=4,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(JINJA)
def test_no_body_is_more_than_diagnostics(body: str) -> None:
    for text in (HEAD + body, f"{HEAD}{{% set x = [1, {{'y': 2}}] %}}{body}"):
        found = rendered(text)
        assert found.text is not None or found.diagnostics
        assert all(each.span.line <= len(LINE_END.findall(text)) + 2 for each in found.diagnostics)
    compile_template(template(HEAD + body), Values(), Options())


@settings(max_examples=100, deadline=None)
@given(YAML, SCHEMAS)
def test_no_header_is_more_than_diagnostics(text: str, schema: str) -> None:
    for head in (text, f"description: x\nparameters:\n  x: {text}", f"description: x\nparameters: {{x: {schema}}}"):
        written = "{#\n" + head + "\n#}\n{{ x }}"
        read_header("t", written)
        made = template(written)
        check(made)
        if made.header is not None:
            compile_template(made, gathered([("x", "1")]), Options())
            rendered(written, {"x": ["a"]})
            compile_template(made, Values([PlainLayer({"x": None})]), Options())
