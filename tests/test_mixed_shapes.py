"""Values of several shapes: one string in place of a list or a record, and what is kept as it stands."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from provision.document import read
from provision.document.nodes import NodeSource
from provision.record import JsonSource, Problem, Record, View, decode, encode, field
from provision.schema.project import definition
from provision.transpile.compile import compile_document


class Part(Record):
    """A part of the whole."""

    name: str = field(shorthand=True, required="1.0", doc="Its name.")
    size: int | None = field(default=None, doc="Its size.")


class Whole(Record):
    """A record with a field of every such kind."""

    part: Part | None = field(default=None, doc="One part.")
    parts: tuple[Part, ...] = field(default=(), alone=True, doc="Several parts.")
    words: tuple[str, ...] = field(default=(), alone=True, doc="Words.")
    strict: tuple[str, ...] = field(default=(), doc="Words, always in a list.")
    anything: object | None = field(default=None, doc="Whatever it is.")


AT = (1, 0)


def read_json(value: Any) -> tuple[Whole, list[str]]:
    problems: list[Problem] = []
    return decode(Whole, value, View(AT), JsonSource(), problems), [problem.wanted for problem in problems]


def fits_schema(value: Any) -> bool:
    definitions: dict[str, Any] = {}
    schema = definition(Whole, View(AT), definitions)
    return Draft202012Validator({**schema, "$defs": definitions}).is_valid(value)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ({"part": "a"}, Whole(part=Part(name="a"))),
        ({"part": {"name": "a", "size": 1}}, Whole(part=Part(name="a", size=1))),
        ({"parts": "a"}, Whole(parts=(Part(name="a"),))),
        ({"parts": ["a", {"name": "b"}]}, Whole(parts=(Part(name="a"), Part(name="b")))),
        ({"words": "a"}, Whole(words=("a",))),
        ({"words": ["a", "b"]}, Whole(words=("a", "b"))),
        ({"words": None, "parts": None, "anything": None}, Whole()),
        ({"anything": [1, {"a": [True]}]}, Whole(anything=[1, {"a": [True]}])),
    ],
)
def test_what_fits_is_read_and_fits_the_schema(value: Any, wanted: Whole) -> None:
    assert read_json(value) == (wanted, [])
    assert fits_schema(value)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"part": ["a"]}, "object"),
        ({"part": {"size": 1}}, "missing"),
        ({"parts": {"name": "a"}}, "list"),
        ({"words": {"a": "b"}}, "list"),
        ({"words": [["a"]]}, "str"),
        ({"strict": "a"}, "list"),
    ],
)
def test_what_does_not_fit_is_told_and_does_not_fit_the_schema(value: Any, problem: str) -> None:
    assert read_json(value)[1] == [problem]
    assert not fits_schema(value)


def test_a_null_section_is_none_even_where_it_would_need_a_key() -> None:
    text = b"#cloud-config\ntimezone: UTC\nkeyboard:\nodd: 1\n"
    assert [found.code for found in compile_document(text, "a.yaml").diagnostics] == ["PV101"]


def test_what_is_kept_as_it_stands_is_written_as_it_stands() -> None:
    value = {"anything": {"b": [1, None], "a": {}}}
    assert encode(read_json(value)[0], AT) == value


def test_a_document_gives_its_node_for_what_is_kept_and_the_place_of_a_string() -> None:
    document = read(b"anything: [1, {a: 2}]\npart: a\n", "a.yaml")
    root: Any = document.root
    whole = decode(Whole, root, View(AT), NodeSource(document), [])
    assert whole.anything is root.value[0][1]
    assert whole.part is not None
    assert whole.part.name == "a"
    assert whole.part.spot("name") is root.value[1][1]
