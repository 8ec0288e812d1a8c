"""The comment that a template begins with."""

import re

import pytest
from templates_shared import header, rendered, template

from provision.templates.formats import FORMATS
from provision.templates.header import Header, read_header
from provision.templates.parameters import KEYWORDS
from provision.templates.rendering import check

FULL = """\
{#
description: A machine
  of two lines.
family: machines
parameters:
  hostname:
    type: string
    format: hostname
    description: Its name.
  members:
    type: array
    items: {type: object, properties: {name: {type: string}, port: {type: integer, default: 80}}, required: [name]}
    default: [{name: 0123}]
    description: The others.
  token: {type: string, minLength: 16, secret: true, description: The secret.}
#}
variant: fcos
"""


def head(text: str) -> Header:
    found, diagnostics = read_header("t.bu.j2", text)
    assert not diagnostics, diagnostics
    assert found is not None
    return found


def wrong(text: str) -> list[tuple[int, int, str, str | None]]:
    """Place, message and hint of all that is wrong with a header."""
    _, diagnostics = read_header("t.bu.j2", text)
    assert {found.file for found in diagnostics} <= {"t.bu.j2"}
    return [(found.span.line, found.span.column, found.message, found.hint) for found in diagnostics]


def wrong_schema(schema: str) -> list[tuple[int, int, str, str | None]]:
    return wrong("{#\ndescription: x\nparameters:\n  x: " + schema + "\n#}\n")


def test_a_header_is_read() -> None:
    found = head(FULL)
    assert (found.description, found.family) == ("A machine of two lines.", "machines")
    assert list(found.parameters) == ["hostname", "members", "token"]
    hostname, members, token = found.parameters.values()
    assert (hostname.required, hostname.secret, hostname.description, hostname.summary) == (
        True,
        False,
        "Its name.",
        "string, a host name",
    )
    assert (hostname.span.line, hostname.span.column) == (6, 3)
    assert members.default == [{"name": "0123"}]
    assert members.summary == "list of mappings"
    assert (token.secret, "secret" in token.schema) == (True, False)
    assert found.secrets == ["token"]
    schema = found.schema()
    assert schema["required"] == ["hostname", "token"]
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize(
    "text",
    [
        "{# description: x #}", "{#- description: x -#}\n", "\n\n  {# description: x #}\nvariant: fcos", "{#\n\ndescription: x\n\n#}",
        '{# {"description": "x", "parameters": {}} #}', "{# description: x\n   family: y #}", "\ufeff{# description: x #}",
        "{#\ndescription: x\nparameters:\n#}",
    ],
)  # fmt: skip
def test_forms_of_a_header(text: str) -> None:
    assert head(text).description == "x"


def test_what_follows_the_header_begins_on_a_line_of_its_own() -> None:
    assert rendered("{#\ndescription: x\n#}\n#cloud-config\nx: 1\n").text == "#cloud-config\nx: 1\n"


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("variant: fcos\n", 1, 1, "the template has no header"),
        ("", 1, 1, "the template has no header"),
        ("x {# description: x #}", 1, 1, "the template has no header"),
        ("{# description: x", 1, 1, "the header's comment is not closed"),
        ("{#\ndescription: x\nparameter: {}\n#}", 3, 1, "the header has no key `parameter`"),
        ("{#\nfamily: x\n#}", 2, 1, "the template does not say what it is for"),
        ("{#\ndescription: [x]\n#}", 2, 14, "`description` is a text"),
        ("{#\n- description\n#}", 2, 1, "the header is a mapping with `description` and `parameters`"),
        ("{#\ndescription: x\nparameters: [x]\n#}", 3, 13, "`parameters` is a mapping of names to schemas"),
        ("{#\ndescription: x\nparameters:\n  x: string\n#}", 4, 6, "the schema of `x` is a mapping"),
        ("{#\ndescription: x\nparameters:\n  a-b: {description: x}\n#}", 4, 3, "`a-b` is no name of a variable"),
        (
            "{#\ndescription: x\nparameters:\n  loop: {description: x}\n#}",
            4,
            3,
            "`loop` has a meaning of its own in templates",
        ),
        (
            "{#\ndescription: x\nparameters:\n  file: {description: x}\n#}",
            4,
            3,
            "`file` has a meaning of its own in templates",
        ),
    ],
)
def test_a_wrong_header_is_told_at_its_place(text: str, line: int, column: int, said: str) -> None:
    found = wrong(text)
    assert (line, column, said) in [each[:3] for each in found]


@pytest.mark.parametrize(
    ("schema", "column", "said", "hint"),
    [
        ("{type: strin, description: x}", 13, "`x` has a type that does not exist", "types are string, integer, number, boolean, array, object, null"),
        ("{typ: string, description: x}", 7, "the schema of `x` has no key `typ`", "did you mean `type`?"),
        ("{type: string, minLength: a, description: x}", 32, "`minLength` in the schema of `x` has a value that it can't have", None),
        ("{type: string, format: hostnam, description: x}", 29, "there is no format `hostnam`", "did you mean `hostname`?"),
        ("{type: string}", 6, "`x` has no description", "say what it is for in `description`"),
        ("{type: integer, default: many, description: x}", 31, "the default does not fit its own schema: `x` must be an integer, not the text `many`", None),
        ("{type: array, items: {typo: string}, description: x}", 28, "the schema of `x` has no key `typo`", "did you mean `type`?"),
        ("{type: array, items: {type: string, secret: true}, description: x}", 42, "`secret` is for a parameter as a whole", "write it below `x`"),
        ("{type: string, secret: perhaps, description: x}", 29, "`secret` of `x` is true or false", None),
        ("{$ref: 'http://example.com/x', description: x}", 7, "the schema of `x` has no key `$ref`", "known here: type, description, default, examples, title, format, enum, const, minLength, maxLength"),
        ("{type: string, pattern: '(', description: x}", 30, "`(` is no regular expression", "test it with Python's `re`"),
    ],
)  # fmt: skip
def test_a_wrong_schema_is_told_at_its_place(schema: str, column: int, said: str, hint: str | None) -> None:
    assert wrong_schema(schema) == [(4, column, said, hint)]


def test_all_mistakes_of_a_header_are_told() -> None:
    found = wrong(
        "{#\ndescription: x\nparameters:\n  x: {typ: string}\n  y: {type: string}\n  z: {type: q, description: x}\n#}"
    )
    assert [each[0] for each in found] == [4, 5, 6]


def test_a_duplicate_parameter_is_told() -> None:
    found = wrong("{#\ndescription: x\nparameters:\n  x: {description: x}\n  x: {description: x}\n#}")
    assert [each[0] for each in found] == [5]


def test_yaml_that_can_not_be_read_is_told_in_the_file() -> None:
    _, diagnostics = read_header("t.bu.j2", "{#\ndescription: x\n  family: y\n#}")
    assert [(found.code, found.span.line) for found in diagnostics] == [("PV002", 3)]


def test_a_template_without_a_sound_header_is_not_rendered() -> None:
    assert rendered("variant: fcos\n").text is None
    assert [found.code for found in check(template("variant: fcos\n"))] == ["PV781"]


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ("{type: integer, minimum: 1, maximum: 9}", "integer, 1 to 9"), ("{type: string, minLength: 3}", "string, at least 3 characters"),
        ("{enum: [a, b, null, true]}", "one of a, b, null, true"), ("{type: [string, 'null']}", "string or null"), ("{}", "anything"),
        ("{type: array, items: {type: string, format: ip}, maxItems: 3}", "list of strings (an IP address), at most 3 elements"),
        ("{const: 5}", "always 5"), ("{anyOf: [{type: string}, {type: integer}]}", "string or integer"),
        ("{type: object}", "mapping"), ("{type: array}", "list"), ("{type: string, pattern: '^a'}", "string, pattern ^a"),
        ("{type: array, items: {enum: [a, b]}}", "list of any of a, b"), ("{type: string, minLength: 4, maxLength: 4}", "string, 4 characters"),
    ],
)  # fmt: skip
def test_summaries(schema: str, words: str) -> None:
    text = (
        "{#\ndescription: x\nparameters:\n  x:\n    description: x\n"
        + "".join(f"    {part}\n" for part in [schema[1:-1]] if part)
        + "#}\n"
    )
    if schema != "{}":
        text = "{# {description: x, parameters: {x: {description: x, " + schema[1:-1] + "}}} #}\n"
    assert head(text).parameters["x"].summary == words


def test_keywords_are_known_to_json_schema() -> None:
    from jsonschema import Draft202012Validator

    for keyword in KEYWORDS:
        assert re.fullmatch("[a-zA-Z]+", keyword)
    assert {"minLength", "items", "type"} <= Draft202012Validator.VALIDATORS.keys()
    assert not {"$ref", "$id", "$dynamicRef", "$defs"} & set(KEYWORDS)


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_holds_for_its_example_and_not_for_any_text(name: str) -> None:
    row = FORMATS[name]
    example = row.example.replace("AAAA…", "AAAAC3NzaC1lZDI1NTE5AAAAIK3W8o16uz7pEGOFYSqHWTv5UeAut561OirEToaMIP7A")
    assert row.holds(example)
    assert not row.holds("(\n")
    if name != "regex":
        assert not row.holds("")
        assert not row.holds(" x y ")


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("hostname", ["a", "a-b.c1", "A" * 63], ["-a", "a-", "a..b", "a_b", "A" * 64, "a.", "a" * 254]),
        ("ip-network", ["10.0.0.0/8", "fd00::/8", "10.0.0.1"], ["10.0.0.1/8", "10.0.0.0/33"]),
        ("ip-interface", ["10.0.0.5/24", "fd00::1/64"], ["10.0.0.5", "10.0.0.5/"]),
        ("ipv4", ["1.2.3.4"], ["::1", "1.2.3"]),
        ("ipv6", ["::1"], ["1.2.3.4"]),
        ("uri", ["https://a/b?c", "data:,x", "tftp://h/x"], ["a/b", "https:", "https://a b"]),
        ("path", ["/", "/a/b"], ["a", "/a/../b", "/a/./b"]),
        ("timespan", ["5", "1h", "1h 30min", "90s", "2.5 days"], ["h", "1 x", "1h30"]),
        ("unit", ["a.service", "a@b.timer"], ["a", "a b.service", "a.conf"]),
        ("user", ["core", "_apt", "a-b"], ["Core", "1a", "a b"]),
        ("ssh-key", ["ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ== me"], ["ssh-rsa", "rsa AAAAB3NzaC1yc2EAAAAD", "ssh-rsa AAAA!AAAAAAAAAAAAAAA"]),
        ("date", ["2026-01-31"], ["2026-13-01", "31.1.2026"]),
    ],
)  # fmt: skip
def test_formats(name: str, good: list[str], bad: list[str]) -> None:
    assert [text for text in good if not FORMATS[name].holds(text)] == []
    assert [text for text in bad if FORMATS[name].holds(text)] == []


def test_header_of_tests_is_sound() -> None:
    assert head(header(x="type: string")).parameters["x"].required
