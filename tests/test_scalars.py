"""What a scalar means where a type is expected: go-yaml's rules, as Butane shows them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml.nodes import MappingNode, ScalarNode

from provision.document import read
from provision.document.nodes import NodeSource
from provision.document.scalars import PLAIN, QUOTED, YAML_TAG, Meaning, integer, meaning, resolve
from provision.record import BAD, Kind


def value(spelling: str, kind: Kind) -> Any:
    """What a document means by `key: <spelling>` where `kind` is expected."""
    document = read(f"key: {spelling}\n".encode(), "x.bu")
    assert isinstance(document.root, MappingNode), document.diagnostics
    ((_, node),) = document.root.value
    return NodeSource(document).scalar(node, kind)


INTEGERS: list[tuple[str, int]] = [
    ("420", 420), ("0", 0), ("00", 0), ("-0", 0), ("07", 7), ("0644", 420), ("0o644", 420), ("0O644", 420), ("0x1a4", 420),
    ("0X1A4", 420), ("0b110", 6), ("0B110", 6), ("4_20", 420), ("1__2", 12), ("1_", 1), ("0_644", 420), ("0x_1", 1), ("0_x1", 1),
    ("+5", 5), ("-5", -5), ("+0644", 420), ("-017", -15), ("-0x1f", -31), ("+0o17", 15), ("-0o17", -15), ("-0b11", -3),
    ("9223372036854775807", 2**63 - 1), ("-9223372036854775808", -(2**63)), ("0x7fffffffffffffff", 2**63 - 1),
    ("0o777777777777777777777", 2**63 - 1), ("! 5", 5), ("!!int 5", 5), ('!!int "5"', 5), ("!!int 0x10", 16), ("!!float 5", 5),
]  # fmt: skip

NO_INTEGERS = [
    "420.5", "1.0", "1.", ".5", "0.0", "1e3", "1E3", "12e03", "-2E+05", "685.230_15e+03", "10e-1", "1e400", ".inf", "-.inf", ".nan",
    "08", "09", "019", "0o8", "0b2", "0b", "0x", "0o", "0xg", "_1", "_5", "+", ".", "--1", "1:30", "1,000", "٣", "٠٧",
    "9223372036854775808", "-9223372036854775809", "9" * 5000, "0xffffffffffffffff", "01777777777777777777777",
    "true", "yes", "x", "nULL", '"5"', "'5'", '"0644"', '""', "2020-01-01", "!!str 5", "!!float 5.5", "!!binary NQ==", "!custom 5",
    "!!timestamp 2020-01-01", "!!int 420.0", "!!int x", "[]", "{}",
]  # fmt: skip

TRUE = ("true", "True", "TRUE", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON")
FALSE = ("false", "False", "FALSE", "n", "N", "no", "No", "NO", "off", "Off", "OFF")
BOOLEANS: list[tuple[str, bool]] = [
    *((word, True) for word in TRUE), *((word, False) for word in FALSE),
    # The words of YAML 1.1 are understood in quotes, too; those of YAML 1.2 are not.
    *((f'"{word}"', True) for word in TRUE[3:]), *((f"'{word}'", False) for word in FALSE[3:]),
    ("!!str yes", True), ("!!bool true", True),
]  # fmt: skip

NO_BOOLEANS = [
    "0", "1", '"true"', "'false'", '"True"', "tRUE", "yEs", "oN", "t", "f", "oui", "1.0", '""', "!!str true", "!!int 1", "!custom y e s",
    "[true]", "{}",
]  # fmt: skip

STRINGS: list[tuple[str, str]] = [
    ("abc", "abc"), ("0x10", "0x10"), ("1.50", "1.50"), ("0644", "0644"), ("yes", "yes"), ("true", "true"), (".inf", ".inf"),
    ("2020-01-01", "2020-01-01"), ("2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"), ("1:30", "1:30"), ("=", "="),
    ('""', ""), ("''", ""), ("'~'", "~"), ('"null"', "null"), ('"a\\tb\\u00e9"', "a\tbé"), ("'it''s'", "it's"), ("nULL", "nULL"),
    ("!!str 5", "5"), ("!!str ~", "~"), ("!!str", ""), ("!!int 5", "5"), ("!!int 0x10", "0x10"), ("!!float 1.50", "1.50"),
    ("!!timestamp 2020-01-01", "2020-01-01"), ("!custom x", "x"), ("! x", "x"), ("! 5", "5"), ("!<tag:yaml.org,2002:str> 5", "5"),
    ("!!set x", "x"), ("!!binary aGVsbG8=", "hello"), ('!!binary "aGVsbG8="', "hello"), ("!!binary gA==", "\udc80"), ("!!binary", ""),
    ("|\n  two\n  lines\n", "two\nlines\n"), ("|-\n  two\n  lines\n", "two\nlines"), (">\n  two\n  lines\n", "two lines\n"),
    ("!!binary |\n  aGVs\n  bG8=\n", "hello"), ("two\n  lines", "two lines"), ('"a\\\n  b"', "ab"),
]  # fmt: skip

NO_STRINGS = ["!!binary a", '!!binary "@@"', "!!binary aGVsbG8", "[a]", "{a: b}"]

NULLS = ["~", "null", "Null", "NULL", "", '!!null ""', "!!null ~", "!!null null", "! ~"]

# An explicit tag that its text does not fit: "cannot decode" says go-yaml, whatever is expected.
EXPLICIT = [
    "!!null x",
    "!!null 5",
    "!!null true",
    "!!bool x",
    "!!bool 5",
    "!!bool yes",
    "!!int x",
    "!!int 1.5",
    "!!float x",
]


@pytest.mark.parametrize(("spelling", "expected"), INTEGERS)
def test_an_integer_is_read_in_all_its_spellings(spelling: str, expected: int) -> None:
    assert value(spelling, "int") == expected


@pytest.mark.parametrize("spelling", NO_INTEGERS)
def test_what_is_no_integer_of_64_bits_is_refused_as_one(spelling: str) -> None:
    assert value(spelling, "int") is BAD


@pytest.mark.parametrize(("spelling", "expected"), BOOLEANS)
def test_a_boolean_is_read_in_all_its_spellings(spelling: str, expected: bool) -> None:
    assert value(spelling, "bool") is expected


@pytest.mark.parametrize("spelling", NO_BOOLEANS)
def test_what_is_no_boolean_is_refused_as_one(spelling: str) -> None:
    assert value(spelling, "bool") is BAD


@pytest.mark.parametrize(("spelling", "expected"), STRINGS)
def test_any_scalar_is_a_string_in_its_own_spelling(spelling: str, expected: str) -> None:
    assert value(spelling, "str") == expected


@pytest.mark.parametrize("spelling", NO_STRINGS)
def test_what_is_no_string_is_refused_as_one(spelling: str) -> None:
    assert value(spelling, "str") is BAD


@pytest.mark.parametrize("kind", ["str", "int", "bool"])
@pytest.mark.parametrize("spelling", NULLS)
def test_null_is_unset_for_every_type(spelling: str, kind: Kind) -> None:
    assert value(spelling, kind) is None


@pytest.mark.parametrize("kind", ["str", "int", "bool"])
@pytest.mark.parametrize("spelling", EXPLICIT)
def test_a_text_that_does_not_fit_its_explicit_tag_is_refused(spelling: str, kind: Kind) -> None:
    assert value(spelling, kind) is BAD


def test_binary_skips_line_breaks_and_nothing_else() -> None:
    assert resolve("aGVs\nbG8=\n", YAML_TAG + "binary", "str") == "hello"
    assert resolve("aGVs bG8=", YAML_TAG + "binary", "str") is BAD


def test_binary_is_neither_a_number_nor_a_boolean() -> None:
    assert resolve("NQ==", YAML_TAG + "binary", "int") is BAD
    assert resolve("eQ==", YAML_TAG + "binary", "bool") is BAD


@pytest.mark.parametrize(
    ("text", "tag", "expected"),
    [
        ("5", PLAIN, "int"), ("08", PLAIN, "float"), ("1.5", PLAIN, "float"), ("1e3", PLAIN, "float"), (".nan", PLAIN, "float"),
        ("true", PLAIN, "bool"), ("yes", PLAIN, "str"), ("~", PLAIN, "null"), ("", PLAIN, "null"), ("x", PLAIN, "str"),
        ("5", QUOTED, "str"), ("", QUOTED, "str"), ("x", YAML_TAG + "int", "int"), ("5", YAML_TAG + "str", "str"),
        ("NQ==", YAML_TAG + "binary", "str"), ("5", "!custom", "str"), ("2020-01-01", PLAIN, "str"),
    ],
)  # fmt: skip
def test_a_message_calls_a_scalar_what_it_is(text: str, tag: str, expected: Meaning) -> None:
    assert meaning(text, tag) == expected


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_spelling_of_a_number_is_that_number(number: int) -> None:
    sign, size = ("-", -number) if number < 0 else ("", number)
    for spelling in (f"{size}", f"0{size:o}", f"0o{size:o}", f"0x{size:x}", f"0X{size:X}", f"0b{size:b}", f"{size:_}"):
        assert integer(sign + spelling) == number
        assert resolve(sign + spelling, PLAIN, "int") == number
        assert resolve(sign + spelling, QUOTED, "int") is BAD
        assert resolve(sign + spelling, PLAIN, "str") == sign + spelling


@given(st.text(), st.sampled_from([PLAIN, QUOTED, YAML_TAG + "int", YAML_TAG + "null", YAML_TAG + "binary", "!x"]))
def test_no_text_makes_a_scalar_fail(text: str, tag: str) -> None:
    for kind, type_ in (("str", str), ("int", int), ("bool", bool)):
        found = resolve(text, tag, kind)  # type: ignore[arg-type]  # three of the kinds
        assert found is BAD or found is None or type(found) is type_
    assert meaning(text, tag) in ("null", "bool", "int", "float", "str")


def test_a_null_node_is_a_null_scalar_only() -> None:
    document = read(b"a: ~\nb: 0\nc: ''\nd: []\n", "x.bu")
    assert isinstance(document.root, MappingNode)
    source = NodeSource(document)
    assert [source.null(node) for _, node in document.root.value] == [True, False, False, False]
    assert all(isinstance(node, ScalarNode) for _, node in document.root.value[:3])
