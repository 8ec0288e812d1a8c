"""What the tool says about itself: schemas, codes, versions, help and completion."""

import json
import re
from pathlib import Path

import pytest
from cli_console import COLUMNS, GOOD, GOOD_JSON, Ran, provision, run_patched, written
from jsonschema import Draft202012Validator

from provision import __version__
from provision.diagnostics import CODES, Code
from provision.pages import WITH_SCHEMA, load_everything, print_explanation
from provision.versions import newest

COMMANDS = (
    "validate", "transpile", "build", "template", "apply", "plan", "facts", "agent", "initramfs", "convert", "decompile", "merge", "inspect", "diff", "report", "schema", "rules", "explain",
    "version",
)  # fmt: skip
LINES = 40

load_everything()
ALL_CODES = [CODES[code] for code in sorted(CODES)]


# ---- help and completion -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_help_fits_a_screen(command: tuple[str, ...]) -> None:
    ran = provision(*command, "--help")
    lines = ran.out.splitlines()
    assert (ran.code, ran.err) == (0, "")
    assert lines[0].startswith("Usage: provision " + " ".join(command))
    assert len(lines) <= LINES
    assert max(map(len, lines)) <= COLUMNS
    # Each option and command says what it is for.
    assert not [line for line in lines if re.fullmatch(r" +-\S.*[A-Z]", line)]


def test_without_a_command_the_help_is_shown_as_for_wrong_usage() -> None:
    ran = provision()
    assert ran.code == 2
    assert (ran.out + ran.err).startswith("Usage: provision [OPTIONS] COMMAND [ARGS]...")


def test_the_short_help_flag_is_the_long_one() -> None:
    assert provision("-h") == provision("--help")


def test_a_command_that_does_not_exist_is_wrong_usage() -> None:
    ran = provision("validat")
    assert (ran.code, ran.out) == (2, "")
    assert "No such command 'validat'" in ran.err


@pytest.mark.parametrize(
    ("words", "at", "expected"),
    [("provision va", 1, {"validate"}), ("provision ", 1, set(COMMANDS)), ("provision validate --fo", 2, {"--format"})],
)
def test_a_shell_completes_commands_and_options(words: str, at: int, expected: set[str]) -> None:
    asked = {"_PROVISION_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(at)}
    ran = provision(env=asked)
    assert (ran.code, ran.err) == (0, "")
    assert set(ran.out.split()) == expected


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_shell(shell: str) -> None:
    ran = provision(env={"_PROVISION_COMPLETE": f"source_{shell}"})
    assert ran.code == 0
    assert f"_PROVISION_COMPLETE=complete_{shell}" in ran.out


def test_show_completion_prints_it_for_the_shell_that_asks() -> None:
    ran = provision("--show-completion", before=["bash", "-c", '"$@"; exit', "bash"])
    assert ran.code == 0
    assert ran.out.strip() == provision(env={"_PROVISION_COMPLETE": "source_bash"}).out.strip()


# ---- schema ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", ["fcos", "flatcar", "openshift", "r4e", "fiot", "ignition"])
def test_a_dialect_alone_gives_the_schema_of_its_newest_stable_release(dialect: str) -> None:
    ran = provision("schema", dialect)
    assert (ran.code, ran.err) == (0, "")
    printed = json.loads(ran.out)
    Draft202012Validator.check_schema(printed)
    assert printed["title"] == f"{dialect} {newest(dialect).version}"
    assert "experimental" not in printed["title"]


def test_a_version_gives_the_schema_of_that_release() -> None:
    assert json.loads(provision("schema", "fcos", "1.5.0").out)["title"] == "fcos 1.5.0"
    assert (
        json.loads(provision("schema", "ignition", "3.7.0-experimental").out)["title"] == "ignition 3.7.0-experimental"
    )


def test_all_writes_a_file_for_each_release_and_makes_the_folder(tmp_path: Path) -> None:
    ran = provision("schema", "--all", "some/where", cwd=tmp_path)
    assert ran == Ran(0, "", f"{len(WITH_SCHEMA)} schemas written to some/where\n")
    names = {f"{release.file_name}.json" for release in WITH_SCHEMA}
    assert {path.name for path in (tmp_path / "some" / "where").iterdir()} == names
    one = (tmp_path / "some" / "where" / "fcos-1.5.0.json").read_text()
    assert one == provision("schema", "fcos", "1.5.0").out
    assert provision("schema", "--all", "some/where", cwd=tmp_path).code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name a dialect: fcos, flatcar, openshift, r4e, fiot, ignition"),
        (["fcso"], "fcso is no dialect; did you mean fcos?"),
        (["rhcos"], "did you mean openshift?"),
        (["FCOS"], "did you mean fcos?"),
        (["zzz"], "zzz is no dialect; known are fcos, flatcar,"),
        (["fcos", "1.5"], "fcos has no version 1.5; did you mean 1.5.0?"),
        (["fcos", "1.8.0"], "did you mean 1.8.0-experimental?"),
        (["fcos", "9.9.9"], "fcos has no version 9.9.9; known are 1.0.0, 1.1.0,"),
        (["--all", "file.txt"], "file.txt: file exists"),
        (["--all", "file.txt/below"], "file.txt/below: not a directory"),
        (["fcos", "1.5.0", "more"], "unexpected extra argument"),
        (["--all"], "requires an argument"),
    ],
)
def test_a_wrong_name_is_told_with_what_was_meant(arguments: list[str], said: str, tmp_path: Path) -> None:
    ran = provision("schema", *arguments, cwd=written(tmp_path, file_txt=""))
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


# ---- rules, explain, version -------------------------------------------------------------------------------------


def test_rules_has_a_line_for_every_code() -> None:
    ran = provision("rules")
    assert (ran.code, ran.err) == (0, "")
    assert [line.split()[0] for line in ran.out.splitlines()] == [row.code for row in ALL_CODES]
    families = {code[:3] for code in CODES}
    assert {"PV0", "PV1", "PV2", "PV3", "PV4", "PV5", "PV6", "PV8"} <= families


def test_rules_as_json_says_all_of_it() -> None:
    ran = provision("rules", "--json")
    rows = {row["code"]: row for row in json.loads(ran.out)}
    assert list(rows) == [row.code for row in ALL_CODES]
    assert all(row["summary"] and row["explanation"] and row["severity"] in ("error", "warning", "info") for row in rows.values())  # fmt: skip
    assert rows["PV310"]["bad"] != rows["PV310"]["good"]


@pytest.mark.parametrize("row", ALL_CODES, ids=[row.code for row in ALL_CODES])
def test_every_code_is_explained_with_examples(row: Code, capsys: pytest.CaptureFixture[str]) -> None:
    print_explanation(row.code.lower())
    out = capsys.readouterr().out
    assert out.startswith(f"{row.code} ({row.severity}): ")
    assert row.summary in out
    assert f"ignore[{row.code}] reason" in out if row.silenceable else "can't be silenced" in out
    assert not re.search(r"[ \t]$", out, re.M)


def test_explain_prints_a_page() -> None:
    ran = provision("explain", "PV310")
    assert (ran.code, ran.err) == (0, "")
    assert "\nBad:\n" in ran.out
    assert "\nGood:\n" in ran.out
    assert provision("explain", "pv310") == ran


@pytest.mark.parametrize(
    ("code", "said"),
    [("PV3100", "PV3100 is no code; did you mean PV310?"), ("PV33", "did you mean PV330, PV331,"), ("x", "`provision rules`")],
)  # fmt: skip
def test_a_code_that_does_not_exist_is_told_with_what_was_meant(code: str, said: str) -> None:
    ran = provision("explain", code)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


@pytest.mark.parametrize("command", [["-V"], ["--version"]])
def test_the_version_is_one_line(command: list[str]) -> None:
    assert provision(*command) == Ran(0, f"provision {__version__}\n", "")


def test_the_version_page_names_what_we_run_on() -> None:
    about = json.loads(provision("version", "--json").out)
    assert about["provision"] == __version__
    assert about["yaml_parser"] == "libyaml (C)"
    page = provision("version").out
    assert all(name in page and value in page for name, value in about.items())


def test_without_the_c_parser_all_works_and_the_version_page_says_so(tmp_path: Path) -> None:
    hidden = "sys.modules['_ruamel_yaml'] = None"
    ran = run_patched(hidden, "version")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.count("about ten times slower: install ruamel.yaml.clib") == 1
    assert run_patched(hidden, "transpile", written(tmp_path, good_bu=GOOD) / "good.bu") == Ran(0, GOOD_JSON, "")
