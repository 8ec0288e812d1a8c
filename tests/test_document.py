"""From bytes to nodes: places, limits, and what is said of a text that can't be read (issue 2, part A)."""

import gc
import gzip
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from provision import document, pages
from provision.diagnostics import WHOLE_FILE, Span, span_of
from provision.document import Document, graph, read, reading, yaml_reader
from provision.document.graph import children
from provision.document.nodes import NodeSource, child, key_node, text_of
from provision.document.reading import gunzip
from provision.document.scalars import PLAIN, QUOTED
from provision.ignition import Config
from provision.record import Problem, decode
from provision.schema.dialects import view_of
from provision.transpile.compile import compile_document
from provision.versions import BY_NAME

ROOT = Path(__file__).parent.parent
SAMPLES = sorted((ROOT / "samples").rglob("*.bu"))
HEAD = "variant: fcos\nversion: 1.6.0\n"

Flat = tuple[str, str, Span, str | None]


def flat(node: Node) -> Iterator[Flat]:
    """A node and all below it: kind, tag, place, spelling."""
    yield type(node).__name__, str(node.tag), span_of(node), node.value if isinstance(node, ScalarNode) else None
    for below in children(node):
        yield from flat(below)


def nodes(text: str) -> list[Flat]:
    found = read(text.encode(), "x.bu")
    assert found.root is not None, found.diagnostics
    return list(flat(found.root))


def complaint(data: bytes) -> tuple[str, int, int]:
    """Code and place of the one thing that is said about a text without nodes."""
    found = read(data, "x.bu")
    (why,) = found.diagnostics
    assert found.root is None
    assert why.severity == "error"
    assert why.file == "x.bu"
    assert why.message
    return why.code, why.span.line, why.span.column


def said(text: str, **options: Any) -> list[tuple[str, int, int]]:
    """Codes and places of everything that a compilation says."""
    return [
        (d.code, d.span.line, d.span.column) for d in compile_document(text.encode(), "x.bu", **options).diagnostics
    ]


@pytest.fixture
def pure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without the C extension."""
    monkeypatch.setattr(yaml_reader, "c_parser", lambda: None)


# ---- places -----------------------------------------------------------------------------------------------------


def test_every_node_knows_where_it_starts_and_ends() -> None:
    assert nodes("a: 1\nlist:\n  - x\n  - {k: 'v w'}\n") == [
        ("MappingNode", PLAIN, Span(1, 1, 5, 1), None),
        ("ScalarNode", PLAIN, Span(1, 1, 1, 2), "a"),
        ("ScalarNode", PLAIN, Span(1, 4, 1, 5), "1"),
        ("ScalarNode", PLAIN, Span(2, 1, 2, 5), "list"),
        ("SequenceNode", PLAIN, Span(3, 3, 5, 1), None),
        ("ScalarNode", PLAIN, Span(3, 5, 3, 6), "x"),
        ("MappingNode", PLAIN, Span(4, 5, 4, 15), None),
        ("ScalarNode", PLAIN, Span(4, 6, 4, 7), "k"),
        ("ScalarNode", QUOTED, Span(4, 9, 4, 14), "v w"),
    ]


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("a: x", Span(1, 4, 1, 5)),
        ("a: é😀z", Span(1, 4, 1, 7)),
        ("é😀: x", Span(1, 5, 1, 6)),
        ("a: |\n  x\n  y\n", Span(1, 4, 4, 1)),
        ("a:\r\n  b\r\n", Span(2, 3, 2, 4)),
        ("a:\r  b\r", Span(2, 3, 2, 4)),
        ("\ufeffa: x", Span(1, 4, 1, 5)),
        ("# c\n\n---\na: x", Span(4, 4, 4, 5)),
        ("a: !!str x", Span(1, 4, 1, 11)),
        ("a: &b x", Span(1, 4, 1, 8)),
        ("a:\t x", Span(1, 5, 1, 6)),
    ],
)
def test_columns_count_characters(text: str, span: Span) -> None:
    root = read(text.encode(), "x.bu").root
    assert isinstance(root, MappingNode)
    ((_, value),) = root.value
    assert span_of(value) == span


def test_json_has_the_same_nodes_as_yaml_with_places_of_its_own() -> None:
    text = '{\n  "ignition": {"version": "3.0.0"},\n  "l": [1, null, "é\\ud83d\\ude00", true]\n}\n'
    assert nodes(text) == [
        ("MappingNode", PLAIN, Span(1, 1, 4, 2), None),
        ("ScalarNode", QUOTED, Span(2, 3, 2, 13), "ignition"),
        ("MappingNode", PLAIN, Span(2, 15, 2, 35), None),
        ("ScalarNode", QUOTED, Span(2, 16, 2, 25), "version"),
        ("ScalarNode", QUOTED, Span(2, 27, 2, 34), "3.0.0"),
        ("ScalarNode", QUOTED, Span(3, 3, 3, 6), "l"),
        ("SequenceNode", PLAIN, Span(3, 8, 3, 40), None),
        ("ScalarNode", PLAIN, Span(3, 9, 3, 10), "1"),
        ("ScalarNode", PLAIN, Span(3, 12, 3, 16), "null"),
        ("ScalarNode", QUOTED, Span(3, 18, 3, 33), "é😀"),
        ("ScalarNode", PLAIN, Span(3, 35, 3, 39), "true"),
    ]


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4),
    max_leaves=20,
))  # fmt: skip
def test_json_reads_as_it_was_written(value: object) -> None:
    def plain(node: Node) -> object:
        if isinstance(node, MappingNode):
            return {key.value: plain(inner) for key, inner in node.value}
        if isinstance(node, SequenceNode):
            return [plain(inner) for inner in node.value]
        return node.value if node.tag == QUOTED else json.loads(node.value)

    for indent in (None, 2):
        for ascii_only in (True, False):
            text = json.dumps({"ignition": {}, "value": value}, indent=indent, ensure_ascii=ascii_only)
            found = read(text.encode(), "x.ign")
            assert found.json
            assert found.root is not None
            assert plain(found.root) == {"ignition": {}, "value": value}


def test_paths_are_spelled_as_people_write_them() -> None:
    found = read(b"storage:\n  files:\n    - path: /a\n      mode: 1\n", "x.bu")
    assert list(found.paths.values()) == [
        "", "storage", "storage", "storage.files", "storage.files", "storage.files[0]", "storage.files[0].path",
        "storage.files[0].path", "storage.files[0].mode", "storage.files[0].mode",
    ]  # fmt: skip


# ---- texts that can be read -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        "a: é\n".encode(), b"\xef\xbb\xbf" + "a: é\n".encode(), "\ufeffa: é\n".encode("utf-16-le"), "\ufeffa: é\n".encode("utf-16-be"),
        "a: é\r\n".encode(), "a: é".encode(), "---\na: é\n...\n".encode(), "%YAML 1.1\n---\na: é\n".encode(), "# c\na: é # d\n".encode(),
        b'a: "\\u00e9"\n', b'{"a": "\\u00e9"}', '\ufeff {"a": "é"}\r\n'.encode(), "{a: é}".encode(), "a:    é   \n\n\n".encode(),
    ],
)  # fmt: skip
def test_a_text_is_read_in_any_of_these_forms(data: bytes) -> None:
    found = read(data, "x.bu")
    assert not found.diagnostics
    assert text_of(child(found.root, "a")) == "é"


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"# only a comment\n", b"\xef\xbb\xbf", b"---\n", b"---\n...\n", b" \n\n"]
)
def test_an_empty_text_is_no_error_of_reading(data: bytes) -> None:
    assert not read(data, "x.bu").diagnostics
    (why,) = compile_document(data, "x.bu").diagnostics
    assert why.code == "PV201"


def test_line_ends_of_any_kind_count_as_one() -> None:
    text = HEAD + "storage:\n  files:\n    - path: relative\n"
    for end in ("\n", "\r\n", "\r"):
        assert said(text.replace("\n", end)) == [("PV301", 5, 13)]


# ---- texts that cannot ------------------------------------------------------------------------------------------

BROKEN: list[tuple[bytes, tuple[str, int, int]]] = [
    # bytes
    (b"a: \xff\n", ("PV001", 1, 4)),
    (b"a: x\nb: \xc3\n", ("PV001", 2, 4)),
    (b"a: \xed\xa0\x80\n", ("PV001", 1, 4)),
    ("é: 1\r\nb: ".encode() + b"\x80", ("PV001", 2, 4)),
    (b"\xff\xfea\x00:", ("PV001", 1, 2)),
    (b"a: x\nc: \x00\n", ("PV001", 2, 4)),
    (b"a: 'x\x07y'\n", ("PV001", 1, 6)),
    (b"a: \x7f\n", ("PV001", 1, 4)),
    # tabs
    (b"a:\n\tb: 1\n", ("PV002", 2, 1)),
    (b"a:\n  b: 1\n\tc: 1\n", ("PV002", 3, 1)),
    (b"\ta: 1\n", ("PV002", 1, 1)),
    (b"a: |\n  x\n\ty\n", ("PV002", 3, 1)),
    # structure
    (b"a: 1\n b: 2\n", ("PV002", 2, 3)),
    (b"a: b: c\n", ("PV002", 1, 5)),
    (b"a\nb: 1\n", ("PV002", 2, 2)),
    (b"- a\nb: 1\n", ("PV002", 2, 1)),
    (b"a: 1\n- b\n", ("PV002", 2, 1)),
    (b"a: [1, 2\nb: 3\n", ("PV002", 2, 2)),
    (b"a: {b: 1\n", ("PV002", 2, 1)),
    (b"a: 'x\n", ("PV002", 2, 1)),
    (b'a: "\\q"\n', ("PV002", 1, 5)),
    (b"a: *x\n", ("PV002", 1, 4)),
    (b"a: @x\n", ("PV002", 1, 4)),
    (b"a: `x\n", ("PV002", 1, 4)),
    (b"a: %x\n", ("PV002", 1, 4)),
    (b"%YAML 3.0\n---\na: 1\n", ("PV002", 1, 1)),
    # limits
    (b"a: &a [*a]\n", ("PV005", 1, 4)),
    (b"&a {b: *a}\n", ("PV005", 1, 1)),
    (b"a: &a {<<: *a}\n", ("PV005", 1, 4)),
    (b"x: 1\na: &a\n  b:\n    - c: [*a]\n", ("PV005", 2, 4)),
    # JSON
    (b'{"ignition": {"version": "3.0.0"}} x', ("PV002", 1, 36)),
    (b'{"ignition": {}}\n{"ignition": {}}\n', ("PV002", 2, 1)),
    (b'{"ignition": 1,}', ("PV002", 1, 16)),
    (b'{"ignition": [1,]}', ("PV002", 1, 17)),
    (b'{"ignition": [1 2]}', ("PV002", 1, 17)),
    (b'{"ignition": tru}', ("PV002", 1, 14)),
    (b'{"ignition": 01}', ("PV002", 1, 15)),
    (b'{"ignition": +1}', ("PV002", 1, 14)),
    (b'{"ignition": .5}', ("PV002", 1, 14)),
    (b'{"ignition": NaN}', ("PV002", 1, 14)),
    (b"{\"ignition\": 'x'}", ("PV002", 1, 14)),
    (b'{\n  "ignition": {},\n  "a" 1\n}', ("PV002", 3, 7)),
    (b'{\n  "ignition": {}\n  "a": 1\n}', ("PV002", 3, 3)),
    (b'{"ignition": "a\nb"}', ("PV002", 1, 16)),
    (b'{"ignition": "\\x"}', ("PV002", 1, 15)),
    (b'{"ignition": "\\ud83d\\u00zz"}', ("PV002", 1, 22)),
    (b'{"ignition": "x}', ("PV002", 1, 14)),
    (b'{"ignition": {"a": 1', ("PV002", 1, 21)),
    (b'{"ignition":', ("PV002", 1, 13)),
    (b'{"ignition": 1 // comment\n}', ("PV002", 1, 16)),
]


@pytest.mark.parametrize(("data", "expected"), BROKEN)
def test_what_cannot_be_read_is_one_diagnostic_at_its_place(data: bytes, expected: tuple[str, int, int]) -> None:
    assert complaint(data) == expected


@pytest.mark.parametrize(
    ("text", "words", "advice"),
    [
        ("a:\n\tb: 1\n", "a tab cannot indent YAML", "use spaces"),
        ("a: b: c\n", "not YAML: a `:` where no key can stand", "quote the value"),
        ("a: [1\n", "not YAML", "`]`"),
        ("a: @x\n", "not YAML: `@` cannot start a plain value", "quotes"),
        ("a: *x\n", "an alias names an anchor that does not exist", "&name"),
        ("a: 'x\n", "a quoted string is not closed", "closing quote"),
        ("a: \x01\n", "the control character U+0001 is not allowed in YAML", "escape"),
    ],
)
def test_a_syntax_error_says_what_is_wrong_and_what_to_do(text: str, words: str, advice: str) -> None:
    (why,) = read(text.encode(), "x.bu").diagnostics
    assert words in why.message
    assert advice in (why.hint or "")


@given(st.binary(max_size=60) | st.text("{}[]-:,?&*!|>'\"%@`#\n\t ab1\\\ufeff\x85", max_size=40).map(str.encode))
def test_no_bytes_make_reading_fail(data: bytes) -> None:
    found = read(data, "x.bu")
    lines = data.count(b"\n") + data.count(b"\r") + data.count(b"\x85") + len(data) // 3 + 2
    assert all(1 <= why.span.line <= lines and why.span.column >= 1 for why in found.diagnostics)
    compile_document(data, "x.bu")


# ---- keys -------------------------------------------------------------------------------------------------------


def test_each_later_copy_of_a_key_is_reported_at_its_place() -> None:
    text = (
        HEAD
        + "storage:\n  files:\n    - path: /a\n      mode: 1\n      mode: 2\n      mode: 3\nstorage:\n  files: []\n"
    )
    assert said(text) == [("PV003", 7, 7), ("PV003", 8, 7), ("PV003", 9, 1)]
    messages = [d.message for d in compile_document(text.encode(), "x.bu").diagnostics]
    assert [message.split("; ")[1] for message in messages] == [
        "the first is on line 6",
        "the first is on line 6",
        "the first is on line 3",
    ]


def test_a_key_is_the_same_key_in_quotes_and_in_json() -> None:
    assert said(HEAD + 'storage: {}\n"storage": {}\n') == [("PV003", 4, 1)]
    assert said('{"ignition": {"version": "3.5.0", "version": "3.5.0"}}') == [("PV003", 1, 35)]


def test_the_first_of_two_keys_holds_so_that_its_content_is_checked_too() -> None:
    text = HEAD + "storage:\n  files:\n    - path: relative\nstorage: {}\n"
    assert said(text) == [("PV301", 5, 13), ("PV003", 6, 1)]


@pytest.mark.parametrize("key", ["? [a, b]", "? {a: b}", "[a]", "{a: b}"])
def test_a_key_that_is_no_string_is_an_error_at_its_place(key: str) -> None:
    text = f"{HEAD}storage:\n  {key}\n  : 1\n" if key.startswith("?") else f"{HEAD}storage:\n  {key}: 1\n"
    ((code, line, column),) = said(text)
    assert (code, line) == ("PV002", 4)
    assert column in (3, 5)


def test_keys_of_other_scalars_are_strings_in_their_spelling() -> None:
    found = compile_document((HEAD + "1: a\ntrue: b\n~: c\n").encode(), "x.bu").diagnostics
    assert [(d.code, d.span.line, d.message.split("`")[1]) for d in found] == [
        ("PV101", 3, "1"), ("PV101", 4, "true"), ("PV101", 5, "~"),
    ]  # fmt: skip


# ---- merge keys and aliases -------------------------------------------------------------------------------------


def read_config(text: str) -> tuple[Config, list[Problem], NodeSource]:
    found = read((HEAD + text).encode(), "x.bu")
    problems: list[Problem] = []
    source = NodeSource(found)
    root: Any = found.root
    return decode(Config, root, view_of(BY_NAME["fcos", "1.6.0"]), source, problems), problems, source


MERGES: list[tuple[str, dict[str, object]]] = [
    ("{<<: {mode: 1, path: /a}}", {"path": "/a", "mode": 1}),
    ("{path: /a, <<: {mode: 1, path: /b}}", {"path": "/a", "mode": 1}),
    ("{<<: {mode: 1, path: /b}, path: /a}", {"path": "/a", "mode": 1}),
    ("{<<: [{path: /a}, {path: /b, mode: 1}]}", {"path": "/a", "mode": 1}),
    ("{<<: {<<: {mode: 1}, path: /a}}", {"path": "/a", "mode": 1}),
    ("{path: /a, <<: []}", {"path": "/a", "mode": None}),
    ("{path: /a, <<: [], <<: {mode: 1}}", {"path": "/a", "mode": 1}),
]


@pytest.mark.parametrize(("file", "expected"), MERGES)
def test_a_merge_key_gives_what_the_mapping_does_not_say_itself(file: str, expected: dict[str, object]) -> None:
    config, problems, source = read_config(f"storage: {{files: [{file}]}}\n")
    (made,) = config.storage.files
    assert {"path": made.path, "mode": made.mode} == expected
    assert not problems
    assert not source.found


@pytest.mark.parametrize(("merged", "column"), [("5", 8), ("[5]", 9), ("[[]]", 9), ("x", 8)])
def test_a_merge_key_takes_mappings_only(merged: str, column: int) -> None:
    assert said(f"{HEAD}x-a: &a {{}}\nstorage:\n    <<: {merged}\n") == [("PV002", 5, column + 1)]


def test_a_quoted_merge_key_and_one_in_json_are_keys_like_others() -> None:
    assert said(HEAD + 'storage: {"<<": {}}\n') == [("PV101", 3, 11)]
    assert said('{"ignition": {"version": "3.5.0"}, "<<": {}}') == [("PV101", 1, 36)]


def test_aliases_stand_for_what_they_name() -> None:
    config, problems, _ = read_config(
        "x-f: &f {path: /a, user: &u {name: core}}\nstorage:\n  files: [*f]\n  directories:\n    - path: /d\n      user: *u\n"
    )
    assert [problem.key for problem in problems] == ["x-f"]
    assert config.storage.files[0].user == config.storage.directories[0].user
    assert config.storage.files[0].user.name == "core"


def test_a_problem_behind_an_alias_is_told_where_the_alias_stands() -> None:
    text = HEAD + "x-f: &f\n  path: relative\nstorage:\n  files:\n    - *f\n"
    assert said(text) == [("PV301", 7, 7)]
    (found,) = compile_document(text.encode(), "x.bu").diagnostics
    assert found.hint is not None
    assert found.hint.startswith("the value is written on line 4; ")


def test_each_use_of_an_alias_has_its_own_place() -> None:
    found = read(b"a: &a {x: [1]}\nb: *a\nc:\n  - *a\n", "x.bu")
    places = [span_of(node).line for node in (child(found.root, "a"), child(found.root, "b")) if node]
    assert places == [1, 2]
    assert text_of(child(child(found.root, "b"), "nothing")) is None
    assert [found.paths[id(child(child(found.root, name), "x"))] for name in ("a", "b")] == ["a.x", "b.x"]


def test_nodes_are_found_through_merge_keys() -> None:
    found = read(b"a: &a {x: 1, y: 2}\nb:\n  <<: [{z: 3}, *a]\n  y: 4\n", "x.bu")
    b = child(found.root, "b")
    assert [text_of(child(b, name)) for name in ("x", "y", "z", "w")] == ["1", "4", "3", None]
    key = key_node(b, "z")
    assert key is not None
    assert span_of(key) == Span(3, 9, 3, 10)
    assert key_node(b, "w") is None


# ---- several documents ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\n---\nb: 2\n", 3), ("a: 1\n---\n# c\n\nb: 2\n", 5), ("---\na: 1\n--- {b: 2}\n", 3), ("a: 1\n...\n---\nb: 2\n", 4),
        ("a: 1\n---\n---\nb: 2\n", 4), ("a: 1\n---\nb: 2\n---\nc: 3\n", 3), ("a: 1\n--- |\n text\n", 2), ("a: 1\n---\n''\n", 3),
    ],
)  # fmt: skip
def test_a_second_document_is_an_error_at_its_line(text: str, line: int) -> None:
    found = read(text.encode(), "x.bu")
    assert [(why.code, why.span.line) for why in found.diagnostics] == [("PV004", line)]
    assert text_of(child(found.root, "a")) == "1"


@pytest.mark.parametrize(
    "text", ["a: 1\n---\n", "a: 1\n---\n# nothing\n", "a: 1\n...\n", "---\na: 1\n...\n# c\n", "a: 1\n---\n---\n"]
)
def test_an_empty_second_document_is_none(text: str) -> None:
    assert not read(text.encode(), "x.bu").diagnostics


def test_the_first_documents_problems_are_told_beside_the_second() -> None:
    text = HEAD + "storage:\n  files:\n    - path: relative\n      mod: 1\n---\nvariant: fcos\n"
    assert said(text) == [("PV301", 5, 13), ("PV101", 6, 7), ("PV004", 8, 1)]
    assert said("variant: nothing\n---\nvariant: fcos\n") == [("PV201", 1, 10), ("PV004", 3, 1)]


# ---- limits -----------------------------------------------------------------------------------------------------

LAUGHS = "a: &a [" + ",".join("x" * 9) + "]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(20)
)  # fmt: skip
NESTED: dict[str, Callable[[int], str]] = {
    "lists": lambda n: "[" * n,
    "closed lists": lambda n: "[" * n + "]" * n,
    "lists below a key": lambda n: "a: " + "[" * n,
    "mappings": lambda n: "{a: " * n,
    "list elements": lambda n: "- " * n + "x",
    "explicit keys": lambda n: "? " * n + "x",
    "JSON objects": lambda n: '{"ignition": ' * n,
    "closed JSON": lambda n: '{"ignition": ' + "[" * n + "]" * n + "}",
    "indentation": lambda n: "".join(f"{' ' * i}k:\n" for i in range(min(n, 3000))),
}


def test_a_billion_laughs_end_in_a_diagnostic_quickly_and_small() -> None:
    program = (
        "import sys, time\nfrom provision.document import read\nstart = time.process_time()\n"
        "(why,) = read(sys.stdin.buffer.read(), 'x.bu').diagnostics\n"
        # Not getrusage: its peak begins with that of the process that forked.
        "peak = next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
        "print(why.code, time.process_time() - start, peak)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], input=LAUGHS.encode(), capture_output=True, check=True)
    code, seconds, kilobytes = ran.stdout.decode().split()
    assert code == "PV005"
    assert float(seconds) < 1
    assert int(kilobytes) < 200 * 1024


@pytest.mark.parametrize("shape", NESTED)
def test_deep_nesting_ends_in_a_diagnostic(shape: str) -> None:
    for depth in (reading.MAX_DEPTH + 1, 1001, 100_000):
        assert complaint(NESTED[shape](depth).encode())[0] in ("PV005", "PV002")


def test_the_depth_limit_is_the_number_of_levels() -> None:
    deepest = reading.MAX_DEPTH
    assert not read(("[" * deepest + "]" * deepest).encode(), "x.bu").diagnostics
    assert complaint(("[" * (deepest + 1) + "]" * (deepest + 1)).encode()) == ("PV005", 1, deepest + 1)


def test_the_size_limit_counts_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_BYTES", 10)
    assert not read(b"a: 3456789", "x.bu").diagnostics
    assert complaint(b"a: 34567890") == ("PV005", 1, 1)


def test_the_node_limit_counts_aliases_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    text = b"a: &a [1, 2, 3]\nb: [*a, *a]\n"
    monkeypatch.setattr(graph, "MAX_NODES", 16)
    assert not read(text, "x.bu").diagnostics
    monkeypatch.setattr(graph, "MAX_NODES", 15)
    assert complaint(text)[0] == "PV005"
    monkeypatch.setattr(graph, "MAX_NODES", 8)
    assert complaint(text) == ("PV005", 2, 4)


def test_large_documents_are_read_in_time_that_grows_with_their_size() -> None:
    def seconds(files: int) -> float:
        text = "".join(f"    - path: /etc/file{i}\n      mode: 0644\n" for i in range(files))
        gc.disable()  # as the command line has it: collecting grows with all that other tests have left behind
        start = time.process_time()
        assert not read((HEAD + "storage:\n  files:\n" + text).encode(), "x.bu").diagnostics
        taken = time.process_time() - start
        gc.enable()
        return taken

    seconds(100)
    # Twenty times the size; what grows with its square would take four hundred times as long.
    assert seconds(20_000) < 100 * max(min(seconds(1000) for _ in range(3)), 0.005)


# ---- without the C parser ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: str(path.relative_to(ROOT / "samples")))
def test_the_pure_parser_gives_the_same_nodes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = read(path.read_bytes(), "x.bu")
    monkeypatch.setattr(yaml_reader, "c_parser", lambda: None)
    slow = read(path.read_bytes(), "x.bu")
    assert slow.diagnostics == fast.diagnostics
    assert (slow.root is None) == (fast.root is None)
    if slow.root is not None and fast.root is not None:
        assert list(flat(slow.root)) == list(flat(fast.root))


@pytest.mark.usefixtures("pure")
@pytest.mark.parametrize("data", [data for data, _ in BROKEN])
def test_the_pure_parser_refuses_what_the_other_refuses(data: bytes) -> None:
    found = read(data, "x.bu")
    assert [why.code for why in found.diagnostics] == [code for broken, (code, _, _) in BROKEN if broken == data]


@pytest.mark.usefixtures("pure")
@pytest.mark.parametrize("shape", NESTED)
def test_the_pure_parser_survives_deep_nesting(shape: str) -> None:
    assert complaint(NESTED[shape](5000).encode())[0] in ("PV005", "PV002")


@pytest.mark.usefixtures("pure")
def test_the_version_page_says_that_the_c_parser_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    pages.print_version(as_json=False)
    text = capsys.readouterr().out
    assert "pure Python" in text
    assert "ten times slower: install ruamel.yaml.clib" in text
    pages.print_version(as_json=True)
    assert json.loads(capsys.readouterr().out)["yaml_parser"] == "pure Python"


def test_the_version_page_says_nothing_where_the_c_parser_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    pages.print_version(as_json=False)
    text = capsys.readouterr().out
    assert "libyaml (C)" in text
    assert "slower" not in text


def test_a_place_that_is_no_node_stands_for_the_whole_document() -> None:
    found = Document("x.bu", "", None, False, ())
    assert found.diagnostic(None, "PV201", "error", "m").span[:2] == WHOLE_FILE[:2]
    assert found.diagnostic(None, "PV201", "error", "m").path is None


def test_an_empty_document_before_an_object_with_aliases_is_passed_over() -> None:
    found = read(b"---\n---\napiVersion: v1\nkind: &kind MachineConfig\nmetadata: {name: *kind}\n", "x.yaml")
    name = child(child(found.root, "metadata"), "name")
    assert name is not None
    assert text_of(name) == "MachineConfig"
    assert span_of(name).line == 5


def test_keys_that_differ_in_capitals_are_told_beside_a_key_that_is_a_list() -> None:
    found = read(b"[a]: 1\nUnits: 1\nunits: 2\n", "x.yaml")
    source = NodeSource(found, strict=True)
    source.entries(found.root)
    assert sorted((each.code, each.span.line) for each in source.found.values()) == [("PV002", 1), ("PV003", 3)]


def test_gzip_may_have_many_members_and_padding_behind_them() -> None:
    data = b"".join(gzip.compress(b"#\n", mtime=0) for _ in range(5000)) + b"\0" * 9
    assert gunzip(data) == b"#\n" * 5000
    with pytest.raises(ValueError, match="in the middle"):
        gunzip(data[:-12])
    with pytest.raises(ValueError, match="damaged"):
        gunzip(data + b"x" * 20)
