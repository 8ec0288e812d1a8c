"""`provision validate` as a process: which files it takes, what it reports where, and how it answers."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from cli_console import (
    ERROR,
    GOOD,
    SAMPLES,
    WARNING,
    Ran,
    as_other_user,
    other_user_can_run,
    provision,
    public_folder,
    written,
)

IGNITION = '{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "etc/x"}]}}'
FORMATS = "full, concise, json, sarif, github, gitlab, junit or auto"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return written(tmp_path, good_bu=GOOD, warning_bu=WARNING, error_bu=ERROR)


def codes(ran: Ran) -> list[str]:
    """The file and code of each concise line."""
    return [f"{line.split(':')[0]} {line.partition('[')[2].partition(']')[0]}" for line in ran.out.splitlines()]


# ---- streams and exit codes --------------------------------------------------------------------------------------


def test_without_problems_there_is_only_a_summary_on_standard_error(here: Path) -> None:
    assert provision("validate", "good.bu", cwd=here) == Ran(0, "", "1 file: no problems\n")


def test_reports_go_to_standard_output_and_the_summary_to_standard_error(here: Path) -> None:
    ran = provision("validate", "warning.bu", "error.bu", cwd=here)
    assert ran.code == 1
    assert codes(ran) == ["error.bu PV301", "warning.bu PV101"]
    assert ran.err == "1 error, 1 warning in 2 files\n"


@pytest.mark.parametrize("arguments", [[], ["-"]])
def test_standard_input_is_read_by_default_and_as_a_dash(arguments: list[str]) -> None:
    ran = provision("validate", *arguments, stdin=ERROR)
    assert (ran.code, codes(ran)) == (1, ["<stdin> PV301"])


def test_standard_input_has_the_name_that_it_is_given(here: Path) -> None:
    ran = provision("validate", "--stdin-filename", "editor.bu", "-", "warning.bu", stdin=ERROR, cwd=here)
    assert codes(ran) == ["editor.bu PV301", "warning.bu PV101"]


@pytest.mark.parametrize(
    ("level", "warning", "error"),
    [("error", 0, 1), ("warning", 1, 1), ("info", 1, 1), ("none", 0, 0)],
)
def test_the_fail_level_is_inclusive(level: str, warning: int, error: int, here: Path) -> None:
    assert provision("validate", "--fail-level", level, "warning.bu", cwd=here).code == warning
    assert provision("validate", "--fail-level", level, "error.bu", cwd=here).code == error


@pytest.mark.parametrize("flag", ["-s", "--strict"])
def test_strict_fails_on_a_warning(flag: str, here: Path) -> None:
    assert provision("validate", flag, "warning.bu", cwd=here).code == 1
    assert provision("validate", flag, "good.bu", cwd=here).code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--fail-level", "critical"], "--fail-level critical: use error, warning, info or none"),
        (["--format", "xml"], f"'xml'; use {FORMATS}"),
        (["--select", "PV999"], "PV999 is no code"),
        (["--ignore", "XX"], "XX is no code"),
        (["--extend-select", "PV1,nonsense"], "NONSENSE is no code"),
        (["--jobs", "-1"], "--jobs"),
        (["--jobs", "many"], "--jobs"),
        (["--nope"], "No such option: --nope"),
        (["--format"], "requires an argument"),
    ],
)
def test_wrong_usage_is_told_before_any_work(arguments: list[str], said: str, here: Path) -> None:
    ran = provision("validate", "error.bu", *arguments, cwd=here)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_files_that_can_not_be_read_are_all_told_and_the_others_are_checked(here: Path) -> None:
    ran = provision("validate", "nothing.bu", "error.bu", "nowhere/x.bu", "", cwd=here)
    assert (ran.code, codes(ran)) == (2, ["error.bu PV301"])
    assert ran.err == (
        "1 error in 1 file\n"
        "provision: nothing.bu: no such file or directory\n"
        "provision: nowhere/x.bu: no such file or directory\n"
        "provision: '': no such file or directory\n"
    )


@pytest.mark.skipif(not other_user_can_run(), reason="another user can't reach this environment")
def test_files_and_folders_that_are_closed_to_us_are_told() -> None:
    with public_folder() as here:
        written(here, good_bu=GOOD, secret_bu=GOOD)
        written(here / "closed", hidden_bu=GOOD).chmod(0)
        (here / "secret.bu").chmod(0)
        ran = provision("validate", ".", cwd=here, before=as_other_user())
        (here / "closed").chmod(0o755)
    assert ran == Ran(
        2, "",
        "1 file: no problems\nprovision: ./secret.bu: permission denied\nprovision: ./closed: permission denied\n",
    )  # fmt: skip


def test_empty_and_binary_files_are_diagnostics(tmp_path: Path) -> None:
    written(tmp_path, a_bu=b"", b_bu=bytes(range(256)), c_bu=b"\x7fELF\x02\x01\x01\0\0", d_bu=b"\xff\xfe")
    ran = provision("validate", "a.bu", "b.bu", "c.bu", "d.bu", cwd=tmp_path)
    assert ran.code == 1
    assert {line.split(":")[0] for line in ran.out.splitlines()} == {"a.bu", "b.bu", "c.bu", "d.bu"}


# ---- which files -------------------------------------------------------------------------------------------------


def test_a_folder_is_searched_for_what_looks_like_a_config(tmp_path: Path) -> None:
    written(tmp_path, a_bu=ERROR, b_yaml=ERROR, c_yml="kind: Pod\nversion: 1\n", d_json=IGNITION, e_json="[1]")
    written(tmp_path, f_ign="{}", g_txt=ERROR, h_butane="broken: [", README_md=ERROR, i_yaml="variant: [")
    written(tmp_path / "deep" / "er", j_bu=ERROR)
    for skipped in (".git", ".venv", "node_modules", "__pycache__"):
        written(tmp_path / skipped, k_bu=ERROR)
    ran = provision("validate", tmp_path, cwd=tmp_path)
    found = [Path(line.split(" ")[0]).relative_to(tmp_path).as_posix() for line in codes(ran)]
    assert found == ["a.bu", "b.yaml", "d.json", "deep/er/j.bu", "f.ign", "h.butane"]
    assert ran.err == "6 errors in 6 files\n"


def test_a_folder_is_searched_for_units_and_files_of_networkd(tmp_path: Path) -> None:
    wrong = "[Service]\nExecStart=/usr/bin/app\nFoo=1\n"
    written(tmp_path, app_service=wrong, app_timer="[Timer]\nOnCalendar=never\n", xml_service="<service/>\n")
    written(tmp_path, bus_service="[D-BUS Service]\nName=org.app\n", pod_network="[Network]\nSubnet=10.0.0.0/8\n")
    written(tmp_path, eth_network="[Match]\nName=eth0\n[Network]\nDHCP=maybe\n", app_conf=wrong)
    written(tmp_path / "app.service.d", limits_conf="[Service]\nNice=90\n")
    ran = provision("validate", tmp_path, cwd=tmp_path)
    found = [line.rpartition("/")[2] for line in codes(ran)]
    assert found == ["app.service PV507", "limits.conf PV510", "app.timer PV510", "eth.network PV574"]


def test_a_file_that_is_named_is_taken_for_a_config_whatever_it_is_called(tmp_path: Path) -> None:
    written(tmp_path, pod_yaml="kind: Pod\n", notes_txt=GOOD)
    ran = provision("validate", "pod.yaml", "notes.txt", cwd=tmp_path)
    assert (ran.code, codes(ran)) == (1, ["pod.yaml PV201"])
    assert provision("validate", ".", "pod.yaml", "./pod.yaml", cwd=tmp_path).code == 1


def test_several_files_and_folders_are_checked_once_each_in_the_order_of_their_names(here: Path) -> None:
    written(here / "more", error_bu=ERROR)
    ran = provision("validate", "warning.bu", "more", "error.bu", "warning.bu", "more", cwd=here)
    assert codes(ran) == ["error.bu PV301", "more/error.bu PV301", "warning.bu PV101"]
    assert ran.err == "2 errors, 1 warning in 3 files\n"


def test_a_folder_without_configs_is_no_error_but_does_not_pass_in_silence(tmp_path: Path) -> None:
    written(tmp_path / "empty")
    ran = provision("validate", "empty", cwd=tmp_path)
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "0 files: no problems\nprovision: no config found in empty\n"


def test_names_with_odd_characters_are_no_obstacle(tmp_path: Path) -> None:
    names = ["a b.bu", "-dash.bu", "ü😀.bu", "new\nline.bu", "colon:.bu", os.fsdecode(b"latin-\xe9.bu")]
    for name in names:
        (tmp_path / name).write_text(ERROR)
    for arguments in (["--", *names], ["."]):
        ran = provision("validate", *arguments, cwd=tmp_path)
        assert (ran.code, ran.err) == (1, "6 errors in 6 files\n")
        assert len(ran.out.splitlines()) == 6


def test_the_files_directory_is_where_local_files_are_read_from() -> None:
    assert provision("validate", "-d", SAMPLES / "files", SAMPLES / "trees.bu").code == 0
    ran = provision("validate", SAMPLES / "trees.bu")
    assert ran.code == 1
    assert "PV606" in ran.out


def test_many_files_give_the_same_in_several_processes_as_in_one(tmp_path: Path) -> None:
    for number in range(200):
        text = (GOOD, WARNING, ERROR, "variant: [\n", IGNITION)[number % 5]
        (tmp_path / f"{number:03}.{'ign' if number % 5 == 4 else 'bu'}").write_text(text)
    (tmp_path / "200.bu").symlink_to("nowhere")
    one = provision("validate", ".", "--jobs", "1", cwd=tmp_path)
    assert (one.code, len(one.out.splitlines())) == (2, 160)
    for jobs in ("2", "5", "0"):
        assert provision("validate", ".", "-j", jobs, cwd=tmp_path) == one


# ---- which codes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "PV101 PV301"),
        (["--select", "PV301"], "PV301"),
        (["--select", "PV3"], "PV301"),
        (["--select", "pv1,PV3"], "PV101 PV301"),
        (["--select", "PV1", "--select", "PV3"], "PV101 PV301"),
        (["--select", "PV2"], ""),
        (["--ignore", "PV1"], "PV301"),
        (["--ignore", "PV101", "--ignore", "PV301"], ""),
        (["--select", "PV2", "--extend-select", "PV101"], "PV101"),
        (["--ignore", "PV", "--extend-select", "PV301"], "PV301"),
        (["--select", "PV3", "--ignore", "PV301"], ""),
        (["--ignore", "PV3", "--select", "PV301"], "PV301"),
        (["--select", "PV301", "--ignore", "PV301"], ""),
    ],
)
def test_codes_are_chosen_by_their_beginnings_and_the_longer_one_wins(
    arguments: list[str], expected: str, here: Path
) -> None:
    ran = provision("validate", "error.bu", "warning.bu", *arguments, cwd=here)
    assert sorted(code.split(" ")[1] for code in codes(ran)) == expected.split()
    assert ran.code == ("PV301" in expected)


# ---- how it looks ------------------------------------------------------------------------------------------------


def is_github(text: str) -> bool:
    return text.startswith("::error ")


def is_sarif(text: str) -> bool:
    return bool(json.loads(text)["version"] == "2.1.0")


def is_json(text: str) -> bool:
    return [one["code"] for one in json.loads(text)["diagnostics"]] == ["PV301"]


def is_gitlab(text: str) -> bool:
    return [one["check_name"] for one in json.loads(text)] == ["PV301"]


def is_junit(text: str) -> bool:
    return ElementTree.fromstring(text).tag == "testsuites"


def is_full(text: str) -> bool:
    return "\n  --> error.bu:5:13\n" in text


def is_concise(text: str) -> bool:
    return text.startswith("error.bu:5:13: error[PV301]: ")


@pytest.mark.parametrize("looks", [is_full, is_concise, is_json, is_sarif, is_github, is_gitlab, is_junit])
def test_each_format_is_written_to_standard_output(looks: Callable[[str], bool], here: Path) -> None:
    ran = provision("validate", "--format", looks.__name__.removeprefix("is_"), "error.bu", cwd=here)
    assert ran.code == 1
    assert looks(ran.out)
    # What other programs read has its own counts; a line more would only be noise in their logs.
    assert bool(ran.err) == (looks in (is_full, is_concise, is_github))


@pytest.mark.parametrize(
    ("actions", "arguments", "looks"),
    [
        ("", [], is_concise), ("true", [], is_github), ("true", ["--format", "auto"], is_github),
        ("true", ["--format", "concise"], is_concise),
    ],
)  # fmt: skip
def test_auto_is_concise_in_a_pipe_and_github_in_its_actions(
    actions: str, arguments: list[str], looks: Callable[[str], bool], here: Path
) -> None:
    assert looks(provision("validate", "error.bu", *arguments, cwd=here, env={"GITHUB_ACTIONS": actions}).out)


@pytest.mark.parametrize(
    ("arguments", "coloured"),
    [([], False), (["--color"], True), (["--color=always"], True), (["--color", "no"], False)],
)
def test_colours_are_asked_for_as_with_transpile(arguments: list[str], coloured: bool, here: Path) -> None:
    ran = provision("validate", *arguments, "error.bu", cwd=here)
    assert ("\x1b[" in ran.out, "\x1b[" in ran.err) == (coloured, coloured)
    assert "PV301" in ran.out


def test_colours_asked_for_come_even_with_no_color(here: Path) -> None:
    assert "\x1b[" in provision("validate", "--color=always", "error.bu", cwd=here, env={"NO_COLOR": "1"}).out


def test_the_locale_does_not_matter(tmp_path: Path) -> None:
    written(tmp_path, ö_bu=WARNING + "日本語: 😀\n")
    ran = provision("validate", ".", cwd=tmp_path, env={"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert ran.code == 0
    assert "unknown key `日本語`" in ran.out
