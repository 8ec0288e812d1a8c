"""The YAML that is written: as people write it, and the same to every reader."""

import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from provision.decompile import scalars, yaml
from provision.decompile.tree import Element, Mode
from provision.document import read
from provision.document.scalars import resolve

ODD = "ab \n\t:#-'\"\\|>,[]{}&*!%@`?~=<0187.eExXoOyYnN_+\r\x85\u2028\ufeff\x00\x07\xa0é日😀\u200b\ufffe"
WORDS = (
    "yes", "no", "Off", "y", "N", "true", "~", "null", "", "0644", "0o644", "0x1f", "1_000", "-_", "1e3", ".inf", "1:30",
    "2020-01-01", "-", "- ", "? a", ": a", "a: b", "a:", "a #b", "#", "<<", "=", "!x", "|",
    "a#b", "---", "...", "--", "-a", "“a”", "a：b", "*a", "&a", "%a", "@a", "`a", "'", '"', "\\", " a", "a ", "a\n\n", "\n\n", "\n a\n", " a\n b", "\ta\nb",
    "   \nx\n", "x\n   \n", "x\n   ", "a\r\nb\r\n", "x  \ny", "# a\nb", "a\x85b", "\ud800", "😀", "\U0001f600\n",
)  # fmt: skip
TEXTS = st.one_of(st.text(ODD, max_size=12), st.text(max_size=10), st.sampled_from(WORDS))


def commented(key: str | None, value: Any, *, flow: bool = False) -> Element:
    """An element with a comment in each of its places."""
    element = Element(key, value, flow=flow)
    element.above, element.below = ["# above"], ["# below"]
    if key is not None or not isinstance(value, list):
        element.beside = "# beside"
    return element


def plain(value: Any) -> Any:
    """A tree as plain values, in which bytes that are no UTF-8 are replaced."""
    if isinstance(value, list):
        return (
            {item.key: plain(item.value) for item in value} if value[0].key else [plain(item.value) for item in value]
        )
    return value.encode("utf-8", "replace").decode().replace("?", "\ufffd") if is_broken(value) else value


def is_broken(value: Any) -> bool:
    """Whether a text has characters that no file can hold."""
    return isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value)


def strings(node: Any) -> Any:
    """Nodes as plain values, by the rules for fields that are strings."""
    if isinstance(node, MappingNode):
        return {key.value: strings(value) for key, value in node.value}
    if isinstance(node, SequenceNode):
        return [strings(item) for item in node.value]
    assert isinstance(node, ScalarNode)
    return resolve(node.value, str(node.tag), "str")


@settings(max_examples=1000)
@given(st.lists(TEXTS, min_size=1, max_size=4), st.lists(TEXTS, min_size=1, max_size=3), st.booleans())
def test_every_string_reads_back_the_same_to_every_reader(texts: list[str], items: list[str], comments: bool) -> None:
    make = commented if comments else Element
    texts = [text for text in texts if not is_broken(text)] or ["x"]
    tree = [
        make("one", [make(f"key{i}", text) for i, text in enumerate(texts)]),
        make("two", [make(None, text) for text in items if not is_broken(text)] or [make(None, "x")], flow=True),
        make("three", [make(None, [make("a", text), make("b", text)]) for text in texts]),
        make("four", [make("k" + text, "y") for text in dict.fromkeys(texts)]),
    ]
    written = yaml.document(tree, ["# header", ""], ["# footer"])
    document = read(written.encode(), "x.bu")
    assert document.root is not None, written
    assert strings(document.root) == plain(tree), written
    for pure in (False, True):
        assert YAML(typ="safe", pure=pure).load(io.StringIO(written)) == plain(tree), written


def test_bytes_that_are_no_text_become_the_replacement_character() -> None:
    assert yaml.document([Element("a", "x\ud800y")]) == "a: x\ufffdy\n"


@pytest.mark.parametrize("text", WORDS[:29])
def test_what_some_reader_takes_for_something_else_stands_in_quotes(text: str) -> None:
    assert scalars.lines_of(text, 2)[0][0] in "\"'"


@pytest.mark.parametrize(
    "text",
    ["core", "1.6.0", "/etc/motd", "10.0.0.1/24", "http://a:80/?b=c#d", "$6$salt$hash/.", "a, b", "it's", "Zoë", "--flag", "data:,a%20b",
     "root=/dev/sda1 ro", 'a "b"', "ssh-ed25519 AAAA me@example.com", "😀"],
)  # fmt: skip
def test_what_needs_no_quotes_has_none(text: str) -> None:
    assert scalars.lines_of(text, 2) == [text]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a\nb\n", ["|", "  a", "  b"]),
        ("a\n", ["|", "  a"]),
        ("a\nb", ["|-", "  a", "  b"]),
        ("a\n\n\n", ["|+", "  a", "", ""]),
        (" a\nb\n", ["|2", "   a", "  b"]),
        ("\ta\n", ["|2", "  \ta"]),
        ("a\n\nb\n", ["|", "  a", "", "  b"]),
        ("a\r\n  b\r\n", ['"a\\r\\n\\', '  \\  b\\r\\n"']),
        ("a: b", ['"a: b"']),
        ('"a": b', ["'\"a\": b'"]),
        ("", ['""']),
        ("\n", ['"\\n"']),
        ("\x1b[0m", ['"\\x1b[0m"']),
    ],
)
def test_a_text_takes_the_style_that_shows_it_best(text: str, lines: list[str]) -> None:
    assert scalars.lines_of(text, 2) == lines


def test_modes_are_octal_and_numbers_and_booleans_are_not_quoted() -> None:
    tree = [
        Element("a", Mode(0o644)),
        Element("b", Mode(0o1777)),
        Element("c", Mode(0)),
        Element("d", 644),
        Element("e", False),
    ]
    assert yaml.document(tree) == "a: 0644\nb: 01777\nc: 0000\nd: 644\ne: false\n"


def test_a_list_stands_in_brackets_only_where_it_is_short_and_plain() -> None:
    def listed(*texts: str) -> str:
        return yaml.document([Element("a", [Element(None, text) for text in texts], flow=True)])

    assert listed("sudo", "docker") == "a: [sudo, docker]\n"
    assert listed("sudo", "a b") == "a:\n  - sudo\n  - a b\n"
    assert listed("no", "docker") == 'a:\n  - "no"\n  - docker\n'
    assert listed(*["docker"] * 9).count("\n") == 10


def test_sections_stand_apart_and_no_line_ends_in_a_blank() -> None:
    tree = [Element("variant", "fcos"), Element("version", "1.6.0")]
    tree += [
        Element(name, [Element("a", [Element(None, [Element("b", text)])])])
        for name, text in [("x", "t\n\nu\n"), ("z", "v")]
    ]
    assert yaml.document(tree) == (
        "variant: fcos\nversion: 1.6.0\n\nx:\n  a:\n    - b: |\n        t\n\n        u\n\nz:\n  a:\n    - b: v\n"
    )


def test_a_key_that_is_too_long_for_a_plain_one_is_still_a_key() -> None:
    key = "k" * 2000
    document = read(yaml.document([Element("labels", [Element(key, "v")])]).encode(), "x.bu")
    assert strings(document.root) == {"labels": {key: "v"}}
