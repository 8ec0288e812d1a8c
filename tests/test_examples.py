"""The manual of every code: its bad example raises it, its good one nearly does. Codes without examples have tests here."""

import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from provision.diagnostics import CODES, Code, ProvisionError
from provision.pages import explanation, load_everything, print_explanation
from provision.suppressions import text_at
from provision.templates.library import Folder, Template
from provision.templates.rendering import compile_template
from provision.templates.values import Values
from provision.transpile.author import Options
from provision.transpile.compile import Compiled, compile_document

load_everything()

# How an example begins that is a document of another dialect than Butane.
OTHER_DIALECT = re.compile(
    r"\s*\{|#cloud-config|# Container Linux Config|apiVersion:|kind:|\[|#!|# \S+\.\w+\n|Content-Type:|## template|#[a-z]+-",
)
NAMED = re.compile(r"# (\S+\.[a-z]+)\n")
HEAD = "variant: fcos\nversion: 1.6.0\n"
# Examples of these are documents that have a wrong head, or none.
ABOUT_THE_HEAD = {"PV201", "PV202"}
# Codes that a document alone can't raise, with the reason. Each has its own tests below.
WITHOUT_EXAMPLE: dict[str, str] = {
    "PV001": "a manual is text, and this is about bytes that are none",
    "PV212": "is about the option --target",
    "PV213": "is about the option --target",
    "PV595": "is about the option --systemd-analyze",
    "PV606": "says that no files directory was given",
    "PV607": "is about a file outside the files directory",
    "PV608": "is about a file that can't be read",
    "PV620": "is about what lies in a local directory",
    "PV621": "is about what lies in a local directory",
    "PV673": "is about the option --raw",
    "PV677": "is about the way back to Butane",
    "PV678": "is about the way back to Butane",
    "PV723": "is about the option --set",
    "PV764": "is about the size of a whole object",
    "PV779": "is about several files in one",
    "PV698": "is about the option --target-os",
    "PV783": "is about values for a template",
    "PV784": "is about values for a template",
    "PV785": "is about values for a template",
    "PV789": "is about the option --path",
    "PV790": "is about several documents of a build",
    "PV791": "is about an inventory",
    "PV792": "is about several documents of a build",
    "PV793": "is about an inventory",
    "PV794": "is about an inventory",
    "PV795": "is about an inventory",
    "PV796": "is about an inventory",
    "PV797": "is about an inventory",
    "PV798": "is about an inventory",
    "PV799": "is about an inventory",
}
# What is told of every fleet unit, every MachineConfig with more than a config, and every pointer.
TOLD_OF_EVERY_ONE = {"PV594", "PV757", "PV770"}


def whole(code: Code, which: Literal["Bad", "Good"]) -> str:
    """An example as a document: a fragment gets the head of a release."""
    text = code.example(which)
    assert text is not None, f"{code.code} has no example under {which}:"
    complete = code.code in ABOUT_THE_HEAD or "variant:" in text or OTHER_DIALECT.match(text)
    return text if complete else HEAD + text


def name_of(text: str) -> str:
    """What an example's file is called: a unit's name stands on its first line, as a comment."""
    named = NAMED.match(text)
    return named[1] if named else "example.bu" if "variant:" in text else "example.yaml"


class Alone(Folder):
    """A library of one template, which is in no folder."""

    def __init__(self, text: str) -> None:
        super().__init__("examples")
        self.text = text

    def data(self, name: str) -> bytes | None:
        return self.text.encode() if name == "example.bu.j2" else None


def codes_of(text: str, options: Options = Options()) -> list[str]:  # noqa: B008  # a constant
    return [found.code for found in compiled(text, options).diagnostics]


def compiled(text: str, options: Options = Options()) -> Compiled:  # noqa: B008  # a constant
    if text.startswith("{#"):
        return compile_template(Template(Alone(text), "example.bu.j2"), Values(), options)
    return compile_document(text.encode(), name_of(text), options)


def errors_of(text: str, options: Options = Options()) -> list[str]:  # noqa: B008  # a constant
    return [found.code for found in compiled(text, options).diagnostics if found.severity == "error"]


ALL = [CODES[code] for code in sorted(CODES)]
RAISABLE = [code for code in ALL if code.code not in WITHOUT_EXAMPLE]
by_code = pytest.mark.parametrize("code", ALL, ids=lambda code: code.code)
by_example = pytest.mark.parametrize("code", RAISABLE, ids=lambda code: code.code)


@by_code
def test_a_code_has_a_manual(code: Code) -> None:
    assert code.summary.endswith(".")
    assert len(code.summary) <= 120
    assert explanation(code).startswith(code.summary)
    assert "Bad:" not in explanation(code)
    assert code.code[2:].isdigit()
    assert len(code.code) == 5
    assert code.severity in ("error", "warning", "info")


@by_example
def test_the_bad_example_raises_its_code(code: Code) -> None:
    found = compiled(whole(code, "Bad"))
    mine = [diagnostic for diagnostic in found.diagnostics if diagnostic.code == code.code]
    assert mine
    assert {diagnostic.severity for diagnostic in mine} == {code.severity}


@by_example
def test_the_good_example_raises_neither_its_code_nor_an_error(code: Code) -> None:
    text = whole(code, "Good")
    assert code.code not in codes_of(text)
    assert not errors_of(text)


@by_example
def test_a_bad_example_shows_one_mistake(code: Code) -> None:
    """What else it raises follows from the same mistake."""
    beside = {
        "PV318": {"PV662"}, "PV605": {"PV351"}, "PV610": {"PV340"},
    }.get(code.code, set())  # fmt: skip
    assert set(codes_of(whole(code, "Bad"))) <= {code.code} | beside | TOLD_OF_EVERY_ONE


def test_codes_without_examples_are_those_that_a_document_cannot_raise() -> None:
    assert {code.code for code in ALL if code.example("Bad") is None} == set(WITHOUT_EXAMPLE)
    assert {code.code for code in ALL if code.example("Good") is None} == set(WITHOUT_EXAMPLE)


@by_code
def test_explain_prints_the_manual(code: Code, capsys: pytest.CaptureFixture[str]) -> None:
    print_explanation(code.code.lower())
    text = capsys.readouterr().out
    assert text.startswith(f"{code.code} ({code.severity}): ")
    assert code.summary in text
    assert ("To silence it" in text) == code.silenceable
    assert ("\nBad:\n" in text) == (code.code not in WITHOUT_EXAMPLE)


def test_explain_names_the_code_that_was_meant() -> None:
    with pytest.raises(ProvisionError, match="did you mean PV30"):
        print_explanation("PV30")


def takes_comments(code: Code) -> bool:
    """Whether the bad example is no JSON."""
    return not whole(code, "Bad").lstrip().startswith("{")


@pytest.mark.parametrize(
    "code", [code for code in RAISABLE if code.silenceable and takes_comments(code)], ids=lambda code: code.code
)
def test_a_comment_with_a_reason_silences_a_code_that_can_be_silenced(code: Code) -> None:
    text = whole(code, "Bad")
    lines = text.split("\n")
    document = compiled(text).document
    places = {found.span.line for found in compiled(text).diagnostics if found.code == code.code}
    for line in sorted(places, reverse=True):
        comment = f"# provision: ignore[{code.code}] a test"
        if text_at(document, line):
            lines.insert(line - 1, lines[line - 1][: -len(lines[line - 1].lstrip())] + comment)
        else:
            lines[line - 1] += f" {comment}"
    found = codes_of("\n".join(lines))
    assert code.code not in found
    assert "PV010" not in found


@pytest.mark.parametrize(
    "code", [code for code in RAISABLE if not code.silenceable and takes_comments(code)], ids=lambda code: code.code
)
def test_a_comment_does_not_silence_a_code_that_cannot_be_silenced(code: Code) -> None:
    text = whole(code, "Bad")
    line = next(found.span.line for found in compiled(text).diagnostics if found.code == code.code)
    lines = text.split("\n")
    lines.insert(line - 1, f"# provision: ignore[{code.code}] a test")
    assert code.code in codes_of("\n".join(lines))


# ---- codes that need more than a document -----------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A files directory with a file, a directory of files, and links that stay inside and lead out."""
    folder = tmp_path / "files"
    (folder / "tree" / "etc").mkdir(parents=True)
    (folder / "motd").write_text("hello\n")
    (folder / "tree" / "etc" / "motd").write_text("tree\n")
    (folder / "inside").symlink_to("motd")
    (folder / "outside").symlink_to("/etc/passwd")
    (folder / "up").symlink_to("..")
    (tmp_path / "secret").write_text("secret\n")
    return folder


def with_file(local: str) -> str:
    return f"{HEAD}storage:\n  files:\n    - path: /etc/motd\n      contents:\n        local: {local}\n"


def with_tree(local: str, more: str = "") -> str:
    return f"{HEAD}storage:\n  trees:\n    - local: {local}\n{more}"


def test_pv001_is_raised_by_bytes_that_are_no_text_and_not_by_any_other_text() -> None:
    assert [found.code for found in compile_document(b"\xff", "x.bu").diagnostics] == ["PV001"]
    assert [found.code for found in compile_document(HEAD.encode() + b'x-a: "\x00"\n', "x.bu").diagnostics] == ["PV001"]
    assert codes_of(HEAD + 'x-a: "\\u0000 é 😀"\n') == []


def test_pv606_is_raised_without_a_files_directory(files: Path) -> None:
    assert codes_of(with_file("motd")) == ["PV606"]
    assert codes_of(with_tree("tree")) == ["PV606"]
    assert codes_of(with_file("motd"), Options(str(files))) == []


@pytest.mark.parametrize(
    "local", ["../secret", "tree/../../secret", "outside", "up/secret", "/../secret", "up", "tree/../up/secret"]
)
def test_pv607_is_raised_by_a_path_that_leads_out(files: Path, local: str) -> None:
    assert codes_of(with_file(local), Options(str(files))) == ["PV607"]
    assert codes_of(with_tree(local), Options(str(files))) == ["PV607"]


@pytest.mark.parametrize(
    "local", ["motd", "/motd", "./motd", "tree/../motd", "tree/etc/../../motd", "inside", "//motd"]
)
def test_pv607_is_not_raised_by_a_path_that_stays_inside(files: Path, local: str) -> None:
    assert codes_of(with_file(local), Options(str(files))) == []


def test_pv607_is_not_raised_where_the_files_directory_itself_is_a_link(files: Path, tmp_path: Path) -> None:
    (tmp_path / "linked").symlink_to(files)
    assert codes_of(with_file("motd"), Options(str(tmp_path / "linked"))) == []
    assert codes_of(with_file("inside"), Options(str(tmp_path / "linked"))) == []


def test_the_root_directory_can_be_the_files_directory(files: Path) -> None:
    assert codes_of(with_file(str(files / "motd")), Options("/")) == []


def test_pv607_names_the_link_and_its_target(files: Path) -> None:
    (found,) = compiled(with_file("outside"), Options(str(files))).diagnostics
    assert "`outside`" in found.message
    assert "/etc/passwd" in found.message
    assert (found.span.line, found.span.column) == (7, 16)


def test_pv608_is_raised_by_a_file_that_cannot_be_read(files: Path) -> None:
    assert codes_of(with_file("nowhere"), Options(str(files))) == ["PV608"]
    assert codes_of(with_file("tree"), Options(str(files))) == ["PV608"]
    assert codes_of(with_file("motd/x"), Options(str(files))) == ["PV608"]
    assert codes_of(with_tree("nowhere"), Options(str(files))) == ["PV608"]
    assert codes_of(with_file("motd"), Options(str(files))) == []
    (found,) = compiled(with_file("nowhere"), Options(str(files))).diagnostics
    assert found.message == "local file `nowhere`: no such file or directory"


@pytest.mark.parametrize("local", ['"\\u0000"', '"a\\u0000b"', "x" * 300, '"\\ud800"'])
def test_odd_names_of_local_files_are_diagnostics(files: Path, local: str) -> None:
    for text in (with_file(local), with_tree(local)):
        found = compiled(text, Options(str(files)))
        assert found.failed


def test_pv608_is_raised_by_a_pipe_which_would_be_waited_for(files: Path) -> None:
    os.mkfifo(files / "pipe")
    (found,) = compiled(with_file("pipe"), Options(str(files))).diagnostics
    assert (found.code, found.message) == ("PV608", "local file `pipe`: not a regular file")


def test_pv620_is_raised_by_a_file_in_place_of_a_directory(files: Path) -> None:
    assert codes_of(with_tree("motd"), Options(str(files))) == ["PV620"]
    assert codes_of(with_tree("tree"), Options(str(files))) == []


MAKERS: dict[str, Callable[[Path], None]] = {
    "fifo": lambda path: os.mkfifo(path),
    "socket": lambda path: socket.socket(socket.AF_UNIX).bind(str(path)),
}


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_pv620_is_raised_by_what_is_neither_file_nor_directory_nor_link(
    files: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files / "tree")  # the name of a socket is short
    MAKERS[kind](Path("odd"))
    (found,) = compiled(with_tree("tree"), Options(str(files))).diagnostics
    assert found.code == "PV620"
    assert "odd" in found.message
    assert (found.span.line, found.span.column) == (5, 7)


CONFLICTS: dict[str, str] = {
    "a file with contents": "  files:\n    - path: /etc/motd\n      contents:\n        inline: x\n",
    "a directory": "  directories:\n    - path: /etc/motd\n",
    "a link": "  links:\n    - path: /etc/motd\n      target: /x\n",
}


@pytest.mark.parametrize("more", CONFLICTS.values(), ids=CONFLICTS)
def test_pv621_is_raised_by_an_entry_that_is_there(files: Path, more: str) -> None:
    assert codes_of(with_tree("tree", more), Options(str(files))) == ["PV621"]
    assert codes_of(with_tree("tree", more.replace("/motd", "/other")), Options(str(files))) == []


def test_pv621_is_not_raised_by_a_file_that_waits_for_its_contents(files: Path) -> None:
    text = with_tree("tree", "  files:\n    - path: /etc/motd\n      mode: 0600\n")
    result = compiled(text, Options(str(files)))
    assert not result.diagnostics
    assert b"data:,tree%0A" in result.output()


OPENSHIFT = "variant: openshift\nversion: 4.14.0\nmetadata:\n  name: a\n  labels:\n    machineconfiguration.openshift.io/role: worker\n"


def test_pv673_is_raised_in_raw_mode_only() -> None:
    text = OPENSHIFT + "openshift:\n  kernel_type: realtime\n"
    assert codes_of(text, Options(raw=True)) == ["PV673"]
    assert codes_of(text) == []
    assert codes_of(OPENSHIFT + "openshift: {}\n", Options(raw=True)) == []


# ---- local configs ----------------------------------------------------------------------------------------------


def merging(local: str) -> str:
    return f"{HEAD}ignition:\n  config:\n    merge:\n      - local: {local}\n"


def test_a_problem_of_a_local_config_is_told_at_its_own_line(files: Path) -> None:
    (files / "inner.bu").write_text(HEAD + "storage:\n  files:\n    - path: relative\n")
    result = compiled(merging("inner.bu"), Options(str(files)))
    (found,) = result.diagnostics
    assert (found.code, found.file, found.span.line, found.span.column) == ("PV301", str(files / "inner.bu"), 5, 13)
    assert result.sources[found.file].startswith(HEAD)


def test_a_local_ignition_config_is_embedded_as_it_is(files: Path) -> None:
    text = '{ "ignition": {"version": "3.0.0"} }\n'
    (files / "inner.ign").write_text(text)
    result = compiled(merging("inner.ign"), Options(str(files)))
    assert not result.diagnostics
    assert b"base64" in result.output() or b"%7B%20%22ignition%22" in result.output()


@pytest.mark.parametrize("name", ["self.bu", "ring.bu"])
def test_configs_that_refer_to_each_other_in_a_circle_are_an_error(files: Path, name: str) -> None:
    (files / "self.bu").write_text(merging("self.bu"))
    (files / "ring.bu").write_text(merging("other.bu"))
    (files / "other.bu").write_text(merging("ring.bu"))
    found = compiled(merging(name), Options(str(files))).diagnostics
    assert [diagnostic.code for diagnostic in found] == ["PV602"]
    assert "circle" in found[0].message


def test_a_long_chain_of_configs_is_an_error_and_a_short_one_none(files: Path) -> None:
    for i in range(20):
        (files / f"{i}.bu").write_text(merging(f"{i + 1}.bu"))
    (files / "20.bu").write_text(HEAD)
    assert codes_of(merging("0.bu"), Options(str(files))) == ["PV602"]
    assert codes_of(merging("15.bu"), Options(str(files))) == []
