"""Comments that silence a diagnostic, and the warnings about comments that silence nothing or do not say why."""

from pathlib import Path

import pytest

from provision.diagnostics import CODES
from provision.transpile.author import Options
from provision.transpile.compile import compile_document

FILE = """\
variant: fcos
version: 1.6.0
storage:
  files:
    - {{path: etc/motd, mode: 644}}{}
"""
BOTH = ["PV301", "PV605"]


def codes(text: str) -> list[str]:
    """The line and code of everything that is reported of a document."""
    return [f"{found.span.line} {found.code}" for found in compile_document(text.encode(), "a.bu").diagnostics]


def after(comment: str) -> list[str]:
    """What is reported of a decimal mode with a comment behind it, in line 5."""
    return codes(FILE.format(comment))


def test_without_a_comment_all_is_reported() -> None:
    assert after("") == [f"5 {code}" for code in BOTH]


def test_a_comment_on_the_line_silences_its_code_only() -> None:
    assert after(" # provision: ignore[PV605] as before") == ["5 PV301"]
    assert after(" # provision: ignore[PV605, PV301] as before") == []
    assert after(" # provision: ignore[PV605] # provision: ignore[PV301] as before") == ["5 PV301"]


def test_a_comment_on_the_line_above_silences_too() -> None:
    text = FILE.format("").replace("    - {", "    # provision: ignore[PV605,PV301] as before\n    - {")
    assert codes(text) == []


def test_a_comment_behind_something_else_does_not_reach_the_next_line() -> None:
    text = FILE.format("").replace("files:", "files: # provision: ignore[PV605,PV301] as before")
    assert codes(text) == ["4 PV010", "4 PV010", "5 PV301", "5 PV605"]


@pytest.mark.parametrize("between", ["", "    # another comment"])
def test_a_comment_two_lines_above_silences_nothing(between: str) -> None:
    text = FILE.format("").replace("    - {", f"    # provision: ignore[PV605] as before\n{between}\n    - {{")
    assert codes(text) == ["5 PV010", "7 PV301", "7 PV605"]


@pytest.mark.parametrize(
    "comment",
    [
        "#provision:ignore[PV605,PV301]as before", "#   provision:   ignore[ PV605 , PV301 ]   as before",
        "# TODO # provision: ignore[PV605,PV301] as before",
    ],
)  # fmt: skip
def test_spaces_do_not_matter(comment: str) -> None:
    assert after(f" {comment}") == []


@pytest.mark.parametrize("comment", ["# provision ignore[PV605] x", "# ignore[PV605] x", "# noqa: PV605", "# provision: ignore PV605 x"])  # fmt: skip
def test_what_only_resembles_a_suppression_is_a_comment(comment: str) -> None:
    assert after(f" {comment}") == [f"5 {code}" for code in BOTH]


def test_an_unused_suppression_is_a_warning_that_says_why() -> None:
    text = "variant: fcos # provision: ignore[PV310, PV999, PV001, pv310] because\nversion: 1.6.0\n"
    found = compile_document(text.encode(), "a.bu").diagnostics
    assert {(one.code, one.severity, one.span.line, one.span.column) for one in found} == {("PV010", "warning", 1, 15)}
    assert sorted(one.message for one in found) == [
        "unused suppression: PV001 can't be silenced", "unused suppression: PV310 is not reported here",
        "unused suppression: `PV999` is no code", "unused suppression: `pv310` is no code",
    ]  # fmt: skip
    assert all(one.hint for one in found)


@pytest.mark.parametrize("brackets", ["[]", "[ ]", "[,]"])
def test_a_suppression_of_nothing_is_unused(brackets: str) -> None:
    assert after(f" # provision: ignore{brackets} because") == ["5 PV301", "5 PV605", "5 PV010"]


def test_a_suppression_without_a_reason_works_and_is_a_warning() -> None:
    assert after(" # provision: ignore[PV605,PV301]") == ["5 PV011"]
    assert after(" # provision: ignore[PV605,PV301]   ") == ["5 PV011"]


def test_the_warnings_about_comments_can_not_be_silenced() -> None:
    assert not CODES["PV010"].silenceable
    assert not CODES["PV011"].silenceable
    assert "5 PV010" in after(" # provision: ignore[PV605,PV301,PV010] because")


def test_what_can_not_be_read_is_not_silenced() -> None:
    text = "variant: fcos # provision: ignore[PV201,PV202] because\n"
    assert codes(text)[0] == "1 PV202"


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_lines_end_where_yaml_ends_them(end: str) -> None:
    text = FILE.format(" # provision: ignore[PV605,PV301] as before").replace("\n", end)
    assert codes(text) == []


def test_an_error_can_be_silenced_and_the_output_comes_out() -> None:
    text = FILE.format(" # provision: ignore[PV301] a test").replace("644", "0644")
    compiled = compile_document(text.encode(), "a.bu")
    assert not compiled.diagnostics
    assert b'"path":"etc/motd"' in compiled.output()


def test_a_comment_speaks_for_its_own_file_only(tmp_path: Path) -> None:
    (tmp_path / "inner.bu").write_text(FILE.format(""))
    outer = "\n" * 3 + "variant: fcos\nversion: 1.6.0 # provision: ignore[PV605,PV301] x\nignition:\n  config:\n    merge:\n      - local: inner.bu\n"  # fmt: skip
    found = compile_document(outer.encode(), "outer.bu", Options(str(tmp_path))).diagnostics
    inner = [one.code for one in found if one.file != "outer.bu"]
    assert inner == BOTH
    assert [one.code for one in found if one.file == "outer.bu"] == ["PV010", "PV010"]


def test_json_has_no_comments() -> None:
    text = '{"ignition": {"version": "3.4.0"}, "x # provision: ignore[PV101] x": 1}'
    assert "PV010" not in " ".join(codes(text))
