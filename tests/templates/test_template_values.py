"""Values of parameters: where they come from, which one counts, and what does not fit."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from templates_shared import bound, header, place, rendered, template

from provision.diagnostics import Diagnostic, ProvisionError, Span
from provision.document import read
from provision.templates.layers import NodeLayer, PlainLayer
from provision.templates.library import Template
from provision.templates.positions import Place
from provision.templates.rendering import render
from provision.templates.values import Values, gathered


def filed(text: str, name: str = "v.yaml") -> NodeLayer:
    """Values of a file."""
    document = read(text.encode(), name)
    return NodeLayer(document, document.root)


def found_in(schema: str, text: str) -> tuple[object, list[Diagnostic]]:
    """What a file of values gives for a parameter `x`, and what is wrong."""
    made = template(header(x=schema))
    assert made.header is not None
    got = Values([filed(text)]).bind(made.header, made.file)
    return got.values.get("x"), got.diagnostics


# ---- types ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ("type: string", "0123", "0123"), ("type: string", "yes", "yes"), ("type: string", "1.20", "1.20"), ("type: string", "", ""),
        ("type: string", '"quoted"', '"quoted"'), ("type: string", "a: b: [", "a: b: ["), ("type: string", "null", "null"),
        ("type: string", " # no comment", " # no comment"), ("type: string", "two\nlines", "two\nlines"),
        ("type: integer", "42", 42), ("type: integer", "0x1f", 31), ("type: number", "1.5", 1.5), ("type: number", "2", 2),
        ("type: boolean", "true", True), ("type: array", "[a, 1]", ["a", 1]), ("type: array, items: {type: string}", "[a, 1]", ["a", "1"]),
        ("type: object", "{a: 1}", {"a": 1}), ("type: [string, 'null']", "null", None), ("type: [string, integer]", "5", 5),
        ("type: [string, integer]", "x: y: z", "x: y: z"), ("'enum': ['1', '2']", "1", "1"), ("'enum': [1, 2]", "1", 1),
        ("anyOf: [{type: string}, {type: array}]", "[a]", ["a"]), ("", "5", 5), ("", "text", "text"),
        ("type: object, additionalProperties: {type: string}", "{a: 0644}", {"a": "0644"}),
    ],
)  # fmt: skip
def test_what_set_gives_is_read_as_the_schema_expects(schema: str, text: str, value: object) -> None:
    assert bound(schema, f"x={text}") == (value, [])


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ("type: string", "x: 0123", "0123"), ("type: string", "x: '5'", "5"), ("type: string", "x: |\n  a\n  b\n", "a\nb\n"),
        ("type: array, items: {type: string}", "x: [1.10, no]", ["1.10", "no"]), ("type: integer", "x: 0o17", 15),
        ("type: object, properties: {v: {type: string}}", "x: {v: 1.0, w: 1.0}", {"v": "1.0", "w": 1.0}),
        ("type: string", "base: &a text\nx: *a", "text"),
    ],
)  # fmt: skip
def test_what_a_file_gives_is_read_as_the_schema_expects(schema: str, text: str, value: object) -> None:
    got, diagnostics = found_in(schema, text)
    assert got == value
    assert [each.code for each in diagnostics] == (["PV784"] if "base" in text else [])


def test_keys_of_an_object_are_set_one_by_one() -> None:
    schema = (
        "type: object, properties: {a: {type: object, properties: {b: {type: string}}}, c: {type: integer, default: 3}}"
    )
    assert bound(schema, "x.a.b=007") == ({"a": {"b": "007"}, "c": 3}, [])
    assert bound(schema, "x={a: {b: q}}", "x.c=5") == ({"a": {"b": "q"}, "c": 5}, [])
    assert bound(schema, "x.c=5", "x.c=6") == ({"c": 6}, [])


def test_defaults_of_parts_are_filled_in() -> None:
    schema = "type: array, items: {type: object, properties: {port: {type: integer, default: 80}}}, default: [{}]"
    assert bound(schema)[0] == [{"port": 80}]
    assert bound(schema, "x=[{port: 1}, {name: a}]")[0] == [{"port": 1}, {"name": "a", "port": 80}]


# ---- who wins ---------------------------------------------------------------------------------------------------


def test_the_later_source_wins(tmp_path: Path) -> None:
    made = template(header(x="default: 0", y="default: 0", z="default: 0") + "{{ x }}{{ y }}{{ z }}")
    for name, text in (("a", "x: 1\ny: 1\n"), ("b", "y: 2\n")):
        (tmp_path / f"{name}.yaml").write_text(text)
    files = [str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")]

    def of(*sets: str, use: list[str] = files, environ: dict[str, str] | None = None) -> str | None:
        pairs = [(name, value) for name, _, value in (each.partition("=") for each in sets)]
        return render(made, gathered(pairs, use, environ)).text

    assert of(use=[]) == "000"
    assert of() == "120"
    assert of(use=files[::-1]) == "110"
    assert of("z=5", "z=6") == "126"
    assert of("y=9") == "190"
    assert of(environ={"PROVISION_VAR_x": "7", "PROVISION_VAR_z": "7", "OTHER": "1"}) == "127"
    inventory = PlainLayer({"x": 8, "y": 8})
    values = gathered([("y", "9")], [], {"PROVISION_VAR_x": "7"})
    assert render(made, Values([*values.layers[:1], inventory, *values.layers[1:]])).text == "890"


def test_mappings_of_several_sources_are_merged_key_by_key() -> None:
    made = template(header(x="type: object") + "{{ x | to_json }}")
    values = Values([filed("x: {a: 1, b: {c: 2}}"), filed("x: {b: {d: 3}, e: [4]}"), filed("x: {e: [5]}")])
    assert json.loads(render(made, values).text or "") == {"a": 1, "b": {"c": 2, "d": 3}, "e": [5]}


# ---- what is wrong ----------------------------------------------------------------------------------------------


def test_a_missing_value_is_told_at_its_parameter() -> None:
    (found,) = rendered(header(x="type: string")).diagnostics
    assert place(found) == ("PV783", "lib/t.bu.j2", 4, 3)
    assert found.message == "`x` has no value and no default: x"
    assert found.hint == "give it one with --set x=… or in a file for --values"


@pytest.mark.parametrize(
    ("schema", "value", "said", "hint"),
    [
        ("type: integer", "many", "`x` must be an integer, not the text `many`", None),
        ("type: integer", '"5"', "`x` must be an integer, not the text `5`", "take the quotes off"),
        ("type: boolean", "5", "`x` must be true or false, not `5`", None),
        ("type: array", "a", "`x` must be a list, not the text `a`", "write it as a list, also with one element: [a]"),
        ("type: object", "[a]", "`x` must be a mapping, not a list", "write its keys below it, each with its value"),
        ("type: [integer, 'null']", "a", "`x` must be an integer or null, not the text `a`", None),
        ("type: string, minLength: 3", "ab", "`x` has 2 characters; it takes at least 3", None),
        ("type: string, minLength: 3", "a", "`x` has 1 character; it takes at least 3", None),
        ("type: string, maxLength: 3", "abcd", "`x` has 4 characters; it takes at most 3", None),
        ("type: string, pattern: '^[a-z]+$'", "A", "`x` is `A`, which does not match the pattern `^[a-z]+$`", None),
        ("type: string, format: ipv4", "1.2.3", "`x` must be an IPv4 address, and `1.2.3` is none", "write it like 10.0.0.5"),
        ("'enum': [stable, beta]", "stabel", "`x` is `stabel`; it must be one of `stable`, `beta`", "did you mean `stable`?"),
        ("const: a", "b", "`x` is `b`; it must be `a`", None),
        ("type: integer, minimum: 1", "0", "`x` is `0`; it must be at least 1", None),
        ("type: integer, maximum: 1", "2", "`x` is `2`; it must be at most 1", None),
        ("type: integer, exclusiveMinimum: 1", "1", "`x` is `1`; it must be more than 1", None),
        ("type: integer, multipleOf: 4", "5", "`x` is `5`; it must be a multiple of 4", None),
        ("type: array, minItems: 1", "[]", "`x` has 0 elements; it takes at least 1", None),
        ("type: array, uniqueItems: true", "[a, a]", "`x` has an element twice", "take one of them out"),
        ("type: object, required: [a]", "{}", "`x` has no `a`, which it needs", "set `x.a`"),
        ("type: object, properties: {name: {}}, additionalProperties: false", "{nam: 1}", "`x` takes no key `nam`", "did you mean `name`?"),
        ("anyOf: [{type: integer}, {type: string, minLength: 3}]", "a", "`x` is `a`; it must be integer; or string, at least 3 characters", None),
        ("type: array, items: {type: integer}", "[1, a]", "`x.1` must be an integer, not the text `a`", None),
        ("not: {type: string}", "a", "`x` is `a`, which `not` in the parameter's schema does not allow", None),
        ("type: array", "[a", "a `[` list is not closed", None),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_told_in_words(schema: str, value: str, said: str, hint: str | None) -> None:
    _, (found,) = bound(schema, f"x={value}")
    assert said in found.message
    assert found.file == "--set"
    assert (found.span.line, found.span.column) == (1, 3)
    if found.code == "PV785":
        assert (found.message, found.hint) == (said, hint)


def test_places_are_the_values_own() -> None:
    schema = "type: object, properties: {a: {type: array, items: {type: integer}}, b: {type: string}}, additionalProperties: false"
    _, diagnostics = found_in(schema, "# a comment\nx:\n  a: [1,\n    two]\n  c: 5\n  b: [q]\n")
    assert [(each.span.line, each.span.column) for each in diagnostics] == [(4, 5), (5, 3), (6, 6)]
    _, diagnostics = bound(schema, "x.b=fine", "x.a=[1, q]", "x.cc=1")
    assert [(each.file, each.span) for each in diagnostics] == [
        ("--set", Span(2, 5, 2, 11)),
        ("--set", Span(3, 3, 3, 5)),
    ]


def test_a_value_of_the_environment_is_placed_there() -> None:
    value, diagnostics = bound("type: integer", environ={"PROVISION_VAR_x": "a", "PROVISION_VAR_other": "1"})
    assert value is None
    assert [(each.code, each.severity, each.file, each.span.line, each.span.column) for each in diagnostics] == [
        ("PV784", "warning", "environment", 1, 15),
        ("PV785", "error", "environment", 2, 17),
    ]
    layers = gathered(environ={"PROVISION_VAR_x": "a"}).sources
    assert layers == {"environment": "PROVISION_VAR_x=a\n"}


def test_a_name_that_no_parameter_has_is_told_with_the_one_that_is_meant() -> None:
    _, (found,) = bound("type: string, default: a", "xx=1")
    assert (place(found), found.message) == (("PV784", "--set", 1, 1), "the template has no parameter `xx`")
    assert found.hint == "did you mean `x`?"
    made = template(header(x="default: 1"))
    assert made.header is not None
    (found,) = Values([filed("zzz: 2\n")]).bind(made.header, "t").diagnostics
    assert (place(found), found.hint) == (("PV784", "v.yaml", 1, 1), "parameters are x")


def test_names_that_something_else_takes_are_no_mistake() -> None:
    made = template(header(x="default: 1"))
    assert made.header is not None
    assert not gathered([("private_ipv4", "1.2.3.4")], other=["private_ipv4"]).bind(made.header, "t").diagnostics
    assert (
        gathered([("private_ip", "1.2.3.4")], other=["private_ipv4"]).bind(made.header, "t").diagnostics[0].hint
        == "did you mean `private_ipv4`?"
    )


@pytest.mark.parametrize("text", ["- a\n", "text\n", "x: 1\nx: 2\n", "a: [\n", "x: &a [*a]\n", "\t x"])
def test_a_file_of_values_that_is_none_is_told(text: str) -> None:
    made = template(header(x="default: 1"))
    assert made.header is not None
    assert [each for each in Values([filed(text)]).bind(made.header, "t").diagnostics if each.severity == "error"]


def test_an_empty_file_of_values_has_none() -> None:
    made = template(header(x="default: 1"))
    assert made.header is not None
    assert not Values([filed("")]).bind(made.header, "t").diagnostics
    assert not Values([filed("# nothing\n")]).bind(made.header, "t").diagnostics


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(ProvisionError, match="no such file") as caught:
        gathered(files=[str(tmp_path / "gone.yaml")])
    assert caught.value.exit_code == 2


def test_a_program_gives_values_with_their_place() -> None:
    made = template(header(x="type: integer"))
    layer = PlainLayer({"x": "a"}, Place("hosts.yaml", Span(7, 3, 7, 4)))
    (found,) = render(made, Values([layer])).diagnostics
    assert place(found) == ("PV785", "hosts.yaml", 7, 3)


# ---- fuzzing ----------------------------------------------------------------------------------------------------

SCHEMAS = st.sampled_from([
    "type: string", "type: integer", "type: [string, 'null']", "type: array, items: {type: string}", "'enum': [a, 1, null]", "",
    "type: object, properties: {a: {type: integer}}, additionalProperties: false", "anyOf: [{type: integer}, {type: array}]",
    "type: number, minimum: 0", "type: string, format: ip-network", "type: boolean",
])  # fmt: skip
FRAGMENTS = st.lists(
    st.sampled_from(
        [
            "[",
            "]",
            "{",
            "}",
            ":",
            " ",
            "a",
            "1",
            "'",
            '"',
            "\n",
            "- ",
            "#",
            "&x",
            "*x",
            "!!int",
            "\t",
            "é",
            "|",
            "~",
            ".",
        ]
    ),
    max_size=10,
).map("".join)


@given(SCHEMAS, FRAGMENTS | st.text(max_size=8))
def test_no_text_for_set_is_more_than_a_diagnostic(schema: str, text: str) -> None:
    value, diagnostics = bound(schema, f"x={text}")
    assert all(each.file == "--set" and each.span.line == 1 for each in diagnostics)
    assert diagnostics or value is not None or "null" in schema or schema == "" or "~" in text or not text.strip()


@given(SCHEMAS, FRAGMENTS)
def test_no_file_of_values_is_more_than_diagnostics(schema: str, text: str) -> None:
    found_in(schema, f"x: {text}")
    found_in(schema, text)


@given(
    st.dictionaries(
        st.sampled_from(["x", "y"]),
        st.none() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2),
    )
)
def test_plain_values_reach_the_template_as_they_are(values: dict[str, object]) -> None:
    made: Template = template(header(x="default: 1", y="default: 1") + "{{ [x, y] | to_json }}")
    got = render(made, Values([PlainLayer(values)]))
    assert json.loads(got.text or "") == [values.get("x", 1), values.get("y", 1)]
