"""`provision diff` as a person runs it: files, folders, pipes, and what can't be compared."""

import json
from pathlib import Path

import pytest
from cli_console import ERROR, GOOD, SAMPLES, SCRIPT, Ran, on_terminal, provision, written
from test_samples import GOOD as SAMPLE_FILES
from test_samples import OLDER, OPTIONS

from provision.comparison import compare_paths
from provision.decompile.files import convert_file
from provision.transpile.author import Options
from provision.transpile.compile import compile_document

OTHER = GOOD.replace("inline: box", "inline: tower")
TEMPLATE = """\
{#
description: A machine with a token.
family: machines
parameters:
  token: {type: string, secret: true, description: It lets the machine in.}
#}
variant: fcos
version: 1.6.0
storage:
  files:
    - path: /etc/app
      contents:
        inline: let me in, {{ token }}
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return written(tmp_path, good_bu=GOOD, other_bu=OTHER, error_bu=ERROR, note_txt="no config")


def test_what_differs_is_shown_and_makes_the_exit_code_1(here: Path) -> None:
    ran = provision("diff", "good.bu", "other.bu", cwd=here)
    assert ran == Ran(
        1,
        "files\n  ~ file /etc/hostname\n      @@ -1 +1 @@\n      -box\n      \\ No newline at end of file\n"
        "      +tower\n      \\ No newline at end of file\n",
        "1 changed\n",
    )


def test_nothing_differs_is_no_output_and_exit_code_0(here: Path) -> None:
    assert provision("diff", "good.bu", "good.bu", cwd=here) == Ran(0, "", "nothing differs\n")


def test_any_dialect_may_stand_on_either_side(here: Path) -> None:
    assert provision("transpile", "good.bu", "-o", "good.ign", cwd=here).code == 0
    assert provision("diff", "good.bu", "good.ign", cwd=here).code == 0
    assert provision("diff", "other.bu", "good.ign", cwd=here).code == 1
    cloud = "#cloud-config\nwrite_files:\n  - path: /etc/hostname\n    content: box\n"
    ran = provision("diff", "-", "good.bu", stdin=cloud, cwd=here)
    assert ran == Ran(1, "files\n  ~ file /etc/hostname\n      overwrite: true → not set\n", "1 changed\n")


@pytest.mark.parametrize("path", [*SAMPLE_FILES, *OLDER], ids=lambda path: path.name)
def test_a_sample_and_what_it_is_converted_to_do_the_same(path: Path, tmp_path: Path) -> None:
    options = OPTIONS.get(path.name, Options())._replace(files_dir=str(SAMPLES / "files"), lossy=True)
    folder = tmp_path / "files"
    done = convert_file(str(path), None, str(tmp_path / "out.bu"), str(folder), options)
    assert done.text is not None
    after = Options(files_dir=str(folder) if folder.exists() else None)
    result = compare_paths(str(path), str(tmp_path / "out.bu"), options, after)
    assert not result.diagnostics
    assert not result.comparison.differs, result.comparison


def test_the_files_of_the_old_side_may_be_elsewhere(tmp_path: Path) -> None:
    config = GOOD.replace("inline: box", "local: host")
    here = written(tmp_path, a_bu=config)
    for folder, text in (("before", "box"), ("after", "tower")):
        (here / folder).mkdir()
        (here / folder / "host").write_text(text)
    ran = provision("diff", "a.bu", "a.bu", "-d", "after", "--old-files-dir", "before", cwd=here)
    assert ran.code == 1
    assert "-box" in ran.out
    assert provision("diff", "a.bu", "a.bu", "-d", "after", cwd=here).code == 0


# ---- what can't be compared --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["good.bu", "missing.bu"], "provision: missing.bu: no such file or directory"),
        (["good.bu", "."], "provision: diff: . is a folder and good.bu is none; compare two of a kind"),
        ([".", "good.bu"], "provision: diff: . is a folder and good.bu is none; compare two of a kind"),
        (["-", "-"], "provision: diff: only one side can be standard input"),
        (["empty", "empty"], "provision: diff: there is no config in empty, nor in empty"),
        (["good.bu", "other.bu", "--format", "html"], "provision: --format html: use one of text, json, markdown"),
        (["good.bu", "other.bu", "--format", "jsn"], "provision: --format jsn: did you mean json?"),
        (["good.bu"], "Missing argument 'NEW'"),
        (["good.bu", "note.txt"], "note.txt:1:1: error[PV"),
        (["good.bu", "error.bu"], "error.bu:5:13: error[PV"),
        (["error.bu", "good.bu"], "error.bu:5:13: error[PV"),
    ],
)
def test_what_can_not_be_compared_makes_the_exit_code_2(arguments: list[str], said: str, here: Path) -> None:
    (here / "empty").mkdir()
    ran = provision("diff", *arguments, cwd=here)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


# ---- folders -----------------------------------------------------------------------------------------------------


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Two folders as `provision build` leaves them: web-1 to web-3 in both, others in one of them."""
    for side, config in (("old", GOOD), ("new", OTHER)):
        ignition = compile_document(config.encode(), "a.bu").output()
        same = compile_document(GOOD.encode(), "a.bu").output()
        folder = tmp_path / side
        (folder / "db").mkdir(parents=True)
        for name in ("web-1", "web-2", "db/one"):
            (folder / f"{name}.ign").write_bytes(ignition)
        (folder / "web-3.ign").write_bytes(same)
        (folder / f"only-{side}.ign").write_bytes(same)
        (folder / "manifest.json").write_text(json.dumps({"hosts": {side: "sha256-…"}}))
    return tmp_path


CHANGE = "  files\n    ~ file /etc/hostname\n        @@ -1 +1 @@\n        -box\n        \\ No newline at end of file\n        +tower\n        \\ No newline at end of file\n"


def test_folders_are_compared_by_the_names_in_them(folders: Path) -> None:
    assert provision("diff", "old", "new", cwd=folders) == Ran(
        1,
        f"+ only-new\n- only-old\n\ndb/one, web-1, web-2:\n{CHANGE}",
        "3 changed, 1 added, 1 removed, 1 the same\n",
    )
    assert provision("diff", "old", "old", cwd=folders) == Ran(0, "", "5 the same\n")


def test_a_name_has_another_ending_in_another_format(folders: Path) -> None:
    (folders / "new" / "web-1.ign").unlink()
    written(folders / "new", **{"web-1_bu": GOOD})
    found = json.loads(provision("diff", "old", "new", "--format", "json", cwd=folders).out)
    assert [each["configs"] for each in found["changed"]] == [["db/one", "web-2"]]
    assert (found["added"], found["removed"], found["unchanged"]) == (["only-new"], ["only-old"], 2)


def test_two_files_of_one_name_keep_their_endings(folders: Path) -> None:
    written(folders / "new", **{"web-1_bu": GOOD})
    found = json.loads(provision("diff", "old", "new", "--format", "json", cwd=folders).out)
    assert found["added"] == ["only-new", "web-1.bu"]
    assert "web-1.ign" in found["changed"][0]["configs"]


def test_one_that_is_wrong_is_told_and_the_others_are_compared(folders: Path) -> None:
    (folders / "new" / "web-2.ign").write_text("{")
    (folders / "new" / "db" / "one.ign").unlink()
    (folders / "new" / "db" / "one.ign").mkdir()
    ran = provision("diff", "old", "new", cwd=folders)
    assert ran.code == 2
    assert f"web-1:\n{CHANGE}" in ran.out
    assert "new/web-2.ign:" in ran.err
    assert ran.err.endswith("1 changed, 1 added, 2 removed, 1 not compared, 1 the same\n")


def test_many_files_are_compared_in_several_processes(tmp_path: Path) -> None:
    for number in range(70):
        config = OTHER if number % 2 else GOOD
        written(tmp_path / "old", **{f"h{number:02}_bu": GOOD})
        written(tmp_path / "new", **{f"h{number:02}_bu": config})
    ran = provision("diff", "-j", "2", "old", "new", cwd=tmp_path)
    assert ran == provision("diff", "-j", "1", "old", "new", cwd=tmp_path)
    assert ran.out == f"h01, h03, h05, h07, h09, h11, h13, h15, and 27 more:\n{CHANGE}"
    assert ran.err == "35 changed, 35 the same\n"


# ---- several configs in a file, templates ------------------------------------------------------------------------


def test_a_file_with_several_configs_is_compared_by_their_names(tmp_path: Path) -> None:
    one = (SAMPLES / "machineconfig" / "10-worker-container-runtime.yaml").read_text()
    other = (SAMPLES / "machineconfig" / "50-worker-chrony.yaml").read_text()
    here = written(tmp_path, both_yaml=f"{one}\n---\n{other}", chrony_yaml=other, turned_yaml=f"{other}\n---\n{one}")
    assert provision("diff", "both.yaml", "turned.yaml", cwd=here).code == 0
    ran = provision("diff", "both.yaml", "chrony.yaml", "--format", "json", cwd=here)
    assert ran.code == 1
    names = {change["name"] for change in json.loads(ran.out)["changed"][0]["changes"]}
    assert any("10-worker-container-runtime: " in name for name in names)


def test_a_secret_of_a_template_is_not_shown(tmp_path: Path) -> None:
    here = written(
        tmp_path, **{"web.bu_j2": TEMPLATE}, plain_bu=TEMPLATE.split("#}\n")[1].replace("{{ token }}", "you")
    )
    ran = provision("diff", "plain.bu", "web.bu.j2", "--set", "token=hunter2hunter2", cwd=here)
    assert ran.code == 1, ran.err
    assert "+let me in, " in ran.out
    assert "hunter" not in ran.out + ran.err


def test_colours_are_for_terminals(here: Path) -> None:
    script = [SCRIPT, "diff", str(here / "good.bu"), str(here / "other.bu")]
    assert "\x1b[31m-box" in on_terminal(*script).out
    assert "\x1b" not in on_terminal(*script, env={"NO_COLOR": "1"}).out
