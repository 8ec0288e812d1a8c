"""`provision build` for documents: what it writes, says and ends with."""

import json
from pathlib import Path

import pytest
from cli_console import REPOSITORY, provision, written

MODE = "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /etc/motd\n      mode: {}\n"
GOOD = MODE.format("0644")


def test_one_config_goes_to_a_file_or_to_standard_output(tmp_path: Path) -> None:
    written(tmp_path, a_bu=GOOD, b_bu=GOOD.replace("/etc/motd", "/etc/issue"))
    ran = provision("build", "a.bu", "b.bu", cwd=tmp_path)
    assert (ran.code, ran.err) == (0, "")
    assert [file["path"] for file in json.loads(ran.out)["storage"]["files"]] == ["/etc/motd", "/etc/issue"]
    assert provision("build", "a.bu", "b.bu", "-o", "out.ign", cwd=tmp_path) == (0, "", "")
    assert (tmp_path / "out.ign").read_text() == ran.out
    assert provision("build", "-p", ".", cwd=tmp_path).out.startswith('{\n  "ignition"')


def test_standard_input_is_a_document(tmp_path: Path) -> None:
    written(tmp_path, a_bu=GOOD)
    ran = provision("build", "a.bu", "-", cwd=tmp_path, stdin=MODE.format("0600"))
    assert ran.code == 1
    assert ran.err.startswith(
        "<stdin>:6:13: error[PV790]: `mode` of storage.files /etc/motd is 0600 here and 0644 at a.bu:6:13"
    )


def test_a_conflict_writes_nothing_and_override_takes_the_later(tmp_path: Path) -> None:
    written(tmp_path, a_bu=GOOD, b_bu=MODE.format("0600"), out_ign="old")
    ran = provision("build", "a.bu", "b.bu", "-o", "out.ign", cwd=tmp_path)
    assert (ran.code, (tmp_path / "out.ign").read_text()) == (1, "old")
    assert ran.err.endswith("1 error in 2 files\n")
    assert provision("build", "--override", "a.bu", "b.bu", "-o", "out.ign", cwd=tmp_path).code == 0
    assert json.loads((tmp_path / "out.ign").read_text())["storage"]["files"][0]["mode"] == 0o600


def test_strict_takes_no_warnings_and_check_writes_nothing(tmp_path: Path) -> None:
    written(tmp_path, a_bu=MODE.format("644"), b_bu="variant: fcos\nversion: 1.5.0\n")
    assert provision("build", "a.bu", "b.bu", cwd=tmp_path).code == 0
    ran = provision("build", "--strict", "a.bu", "b.bu", "-o", "out.ign", cwd=tmp_path)
    assert (ran.code, "nothing was written: --strict takes no warnings" in ran.err) == (1, True)
    assert provision("build", "--check", "a.bu", "b.bu", "-o", "out.ign", cwd=tmp_path).code == 0
    assert not (tmp_path / "out.ign").exists()


def test_local_files_targets_and_values_are_those_of_transpile(tmp_path: Path) -> None:
    text = (
        "{#\ndescription: x\nparameters:\n  name: {type: string, description: x}\n#}\n"
        + GOOD
        + "      contents: {local: '{{ name }}'}\n"
    )
    written(tmp_path, **{"a.bu_j2": text, "b_bu": GOOD, "motd_txt": "hello"})
    ran = provision("build", "a.bu.j2", "b.bu", "-d", ".", "--set", "name=motd.txt", "--target", "3.2.0", cwd=tmp_path)
    config = json.loads(ran.out)
    assert (config["ignition"]["version"], config["storage"]["files"][0]["contents"]["source"]) == (
        "3.2.0",
        "data:,hello",
    )


def test_the_source_map_goes_to_a_file(tmp_path: Path) -> None:
    written(tmp_path, a_bu=GOOD, b_bu=GOOD)
    assert provision("build", "a.bu", "b.bu", "-o", "out.ign", "--source-map", "out.map", cwd=tmp_path).code == 0
    assert json.loads((tmp_path / "out.map").read_text())["places"]["storage.files /etc/motd"] == {
        "file": "b.bu",
        "line": 5,
        "column": 7,
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "build: give documents, or --inventory with a file of hosts"),
        (("a.bu", "--inventory", "h.yaml"), "not both"),
        (("missing.bu",), "missing.bu: no such file or directory"),
        (("missing.bu.j2",), "missing.bu.j2: no such file or directory"),
        (("empty",), "empty: no document is in this folder"),
        (("a.bu", "--only", "x"), "--only is only with --inventory"),
        (("a.bu", "--prune"), "--prune is only with --inventory"),
        (("a.bu", "--target", "9.9.9"), "--target 9.9.9"),
    ],
)  # fmt: skip
def test_a_wrong_use_is_told(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    written(tmp_path, a_bu=GOOD)
    (tmp_path / "empty").mkdir()
    ran = provision("build", *arguments, cwd=tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert "Traceback" not in ran.err


def test_the_samples_build_together() -> None:
    samples = REPOSITORY / "samples"
    ran = provision("build", samples / "sysctl.bu", samples / "kernel-arguments.bu", samples / "units")
    assert ran.code == 0, ran.err
