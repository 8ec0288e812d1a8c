"""`provision convert`, `decompile`, `merge`, `inspect` and `report` as processes: streams, exit codes, files in their place."""

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_console import (
    GOOD,
    SAMPLES,
    SCRIPT,
    Ran,
    as_other_user,
    on_terminal,
    other_user_can_run,
    provision,
    public_folder,
    run_patched,
    written,
)

CLOUD = (
    "#cloud-config\n# One of three.\nhostname: box\ncoreos:\n  units:\n    - name: a.service\n      command: start\n"
)
CLOUD_AS_BUTANE = """\
# One of three.
variant: flatcar
version: 1.0.0

storage:
  files:
    # from hostname
    - path: /etc/hostname
      overwrite: true
      mode: 0644
      contents:
        inline: |
          box
  links:
    # from coreos.units.command: started at boot
    - path: /etc/systemd/system/multi-user.target.wants/a.service
      target: /usr/lib/systemd/system/a.service
      overwrite: true
"""
BINARY = base64.b64encode(b"\0\1\2").decode()
IGNITION = json.dumps(
    {
        "ignition": {"version": "3.3.0"},
        "storage": {"files": [{"path": "/opt/blob", "contents": {"source": f"data:;base64,{BINARY}"}}]},
    }
)
IGNITION_AS_BUTANE = """\
variant: fcos
version: 1.4.0

storage:
  files:
    - path: /opt/blob
      contents:
"""
LOCAL = "# Container Linux Config\nstorage:\n  files:\n    - path: /a\n      filesystem: root\n      mode: 0644\n      contents:\n        local: motd\n"
WRONG = "#cloud-config\nwrite_files:\n  - path: /a\n    encoding: rot13\n    content: x\n"
MACHINE = """\
apiVersion: machineconfiguration.openshift.io/v1
kind: MachineConfig
metadata:
  name: {name}
  labels:
    machineconfiguration.openshift.io/role: worker
spec:
  config:
    ignition:
      version: 3.4.0
    storage:
      files:
        - path: /etc/app.conf
          mode: 420
          contents:
            source: data:,{name}
"""
COMMANDS = ("convert", "decompile", "inspect", "report")
FILES_OF = {"convert": "cloud.yaml", "decompile": "blob.ign", "inspect": "cloud.yaml", "report": "cloud.yaml"}
as_someone_else = pytest.mark.skipif(not other_user_can_run(), reason="nobody else can run this environment")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    first, second = MACHINE.format(name="10-first"), MACHINE.format(name="20-second")
    return written(
        tmp_path, cloud_yaml=CLOUD, wrong_yaml=WRONG, blob_ign=IGNITION, local_yaml=LOCAL, good_bu=GOOD,
        first_yaml=first, second_yaml=second, roleless_yaml=first.replace("worker", "[]"),
    )  # fmt: skip


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


# ---- what all of them have in common -----------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_the_result_goes_to_standard_output_and_nothing_is_written(command: str, here: Path) -> None:
    before = files_in(here)
    ran = provision(command, FILES_OF[command], cwd=here)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out
    assert files_in(here) == before


@pytest.mark.parametrize("arguments", [[], ["-"]])
@pytest.mark.parametrize("command", COMMANDS)
def test_standard_input_is_read_by_default_and_as_a_dash(command: str, arguments: list[str], here: Path) -> None:
    name = FILES_OF[command]
    ran = provision(command, *arguments, stdin=(here / name).read_text())
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.replace("<stdin>", name) == provision(command, name, cwd=here).out


@pytest.mark.parametrize("command", COMMANDS)
def test_an_error_in_the_config_is_told_on_standard_error_with_exit_code_one(command: str, here: Path) -> None:
    wrong = "blob.ign" if command == "decompile" else "wrong.yaml"
    (here / "blob.ign").write_text(IGNITION.replace("/opt", "opt"))
    ran = provision(command, wrong, cwd=here)
    assert ran.code == 1
    assert ran.err.startswith(f"{wrong}:")
    assert "error[PV" in ran.err
    assert ran.err.endswith("\n1 error in 1 file\n")
    assert "variant" not in ran.out


@pytest.mark.parametrize("data", [b"", b"\0" * 64, b"just words\n", b"a: [\n", b"\xff\xfe"])
@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_no_config_is_a_diagnostic(command: str, data: bytes) -> None:
    ran = provision(command, stdin=data)
    assert ran.code == 1
    assert "<stdin>:1:1: error[PV" in ran.err or "<stdin>:2:1: error[PV" in ran.err


@pytest.mark.parametrize("command", [*COMMANDS, "merge --machineconfig"])
def test_an_input_that_can_not_be_read_is_told_with_exit_code_two(command: str, here: Path) -> None:
    for path, reason in (("nothing", "nothing: no such file or directory"), (".", ".: is a directory")):
        assert provision(*command.split(), path, cwd=here) == Ran(2, "", f"provision: {reason}\n")


@pytest.mark.parametrize("command", [*COMMANDS, "merge --machineconfig"])
def test_wrong_usage_is_told_before_any_work_with_exit_code_two(command: str, here: Path) -> None:
    before = files_in(here)
    for arguments, said in (
        (["--nope"], "No such option"), (["--format", "xml"], "'xml'; use full, concise, json"), (["--files-dir"], "requires an argument"),
    ):  # fmt: skip
        ran = provision(*command.split(), "first.yaml", *arguments, cwd=here)
        assert (ran.code, ran.out) == (2, "")
        assert said in ran.err
    assert files_in(here) == before


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--dialect cloudconfig", "--dialect cloudconfig: did you mean cloud-config?"),
        ("--platform zzz", "--platform zzz: use one of azure, digitalocean, ec2,"),
        ("--target-os ubunto", "--target-os ubunto: did you mean ubuntu?"),
        ("--set x", "--set x: write NAME=VALUE"), ("--fsmap data=srv", "--fsmap data=srv: write NAME=/PATH"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["convert", "inspect", "report"])
def test_what_decides_how_a_config_is_read_is_checked(command: str, option: str, said: str, here: Path) -> None:
    ran = provision(command, "cloud.yaml", *option.split(), cwd=here)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"provision: {said}")


@pytest.mark.parametrize("command", [*COMMANDS, "merge --machineconfig first.yaml"])
def test_a_reader_that_has_seen_enough_ends_it_without_a_word(command: str, here: Path) -> None:
    file = FILES_OF.get(command, "second.yaml")
    reader, writer = os.pipe()
    os.close(reader)
    ran = provision(*command.split(), file, cwd=here, stdout=writer)
    os.close(writer)
    assert (ran.code, ran.err) == (1, "")


def test_reports_are_full_on_a_terminal(here: Path) -> None:
    ran = on_terminal(SCRIPT, "convert", str(here / "wrong.yaml"))
    assert ran.code == 1
    assert "encoding: rot13" in ran.out
    assert "^^^^^" in ran.out


# ---- convert -----------------------------------------------------------------------------------------------------


def test_a_converted_config_says_what_its_author_said_and_what_came_of_it(here: Path) -> None:
    assert provision("convert", "cloud.yaml", cwd=here) == Ran(0, CLOUD_AS_BUTANE, "")


def test_what_is_converted_is_transpiled_to_the_same_config(here: Path) -> None:
    through = provision("transpile", stdin=provision("convert", "cloud.yaml", cwd=here).out)
    assert (through.code, through.err) == (0, "")
    again = through.out.replace('"compression":"",', "")  # Butane says that a content is not packed
    assert json.loads(again) == json.loads(provision("transpile", "cloud.yaml", cwd=here).out)


def test_the_output_file_may_be_the_input_and_is_replaced_in_one_step(here: Path) -> None:
    assert provision("convert", "cloud.yaml", "-o", "cloud.yaml", cwd=here) == Ran(0, "", "")
    assert (here / "cloud.yaml").read_text() == CLOUD_AS_BUTANE
    again = provision("convert", "cloud.yaml", "-o", "cloud.yaml", "--variant", "flatcar", cwd=here)
    assert (again.code, (here / "cloud.yaml").read_text()) == (0, CLOUD_AS_BUTANE)


def test_an_error_leaves_the_output_file_as_it_was(here: Path) -> None:
    written(here, out_bu="mine")
    before = files_in(here)
    assert provision("convert", "wrong.yaml", "-o", "out.bu", "--files-dir", "out.d", cwd=here).code == 1
    assert ((here / "out.bu").read_text(), files_in(here)) == ("mine", before)


@pytest.mark.parametrize("variant", ["flatcar", "fcos", "r4e", "fiot"])
def test_the_variant_can_be_chosen(variant: str, here: Path) -> None:
    assert f"\nvariant: {variant}\n" in provision("convert", "cloud.yaml", "--variant", variant, cwd=here).out


def test_a_wrong_variant_is_told_with_those_that_exist(here: Path) -> None:
    ran = provision("convert", "cloud.yaml", "--variant", "coreos", cwd=here)
    assert ran == Ran(2, "", "provision: --variant coreos: use one of fcos, flatcar, openshift, r4e, fiot\n")


def test_a_machine_config_out_of_a_host_config_has_a_name_to_look_at(here: Path) -> None:
    ran = provision("convert", "good.bu", "--variant", "openshift", cwd=here)
    assert ran.code == 0
    assert "  name: 99-worker-good\n" in ran.out
    assert "warning[PV677]" in ran.err


def test_what_a_variant_can_not_hold_is_an_error_at_the_authors_line(here: Path) -> None:
    ran = provision("convert", "cloud.yaml", "--variant", "openshift", "-o", "out.bu", cwd=here)
    assert (ran.code, ran.out) == (1, "")
    assert "cloud.yaml:7:16: error[PV67" in ran.err
    assert not (here / "out.bu").exists()


def test_local_files_stay_local_files_and_are_copied_where_a_folder_is_given(here: Path) -> None:
    written(here / "in", motd_="hello\n")
    (here / "in/motd.").rename(here / "in/motd")
    ran = provision("convert", "local.yaml", "-d", "in", cwd=here)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("      contents:\n        local: motd\n")
    copied = provision("convert", "local.yaml", "-d", "in", "--files-dir", "out.d", "-o", "out.bu", cwd=here)
    assert copied == Ran(0, "", "1 file written to out.d\n")
    assert (here / "out.d/motd").read_text() == "hello\n"
    one, other = (provision("transpile", "-d", folder, "out.bu", cwd=here) for folder in ("in", "out.d"))
    assert one.code == 0
    assert one == other


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("box", "'box'  # Größe — 日本 💡"),
        lambda text: text.replace("hostname: box", "x-name: &name box\nhostname: *name"),
        lambda text: text + "write_files: [{path: /a, content: \"" + "long " * 5000 + "\"}]\n",
    ],
    ids=["DOS line ends", "beyond ASCII", "anchor", "long line"],
)  # fmt: skip
def test_odd_text_comes_through(change: Callable[[str], str], here: Path) -> None:
    (here / "odd.yaml").write_bytes(change(CLOUD).encode())
    ran = provision("convert", "odd.yaml", cwd=here)
    assert (ran.code, "\r" in ran.out) == (0, False)
    config = json.loads(provision("transpile", "odd.yaml", cwd=here).out)
    assert json.loads(provision("transpile", stdin=ran.out).out)["storage"]["links"] == config["storage"]["links"]


# ---- decompile ---------------------------------------------------------------------------------------------------


def test_what_is_no_text_stays_a_url_or_becomes_a_file(here: Path) -> None:
    inline = provision("decompile", "blob.ign", cwd=here)
    assert inline == Ran(0, f"{IGNITION_AS_BUTANE}        source: data:;base64,{BINARY}\n", "")
    beside = provision("decompile", "blob.ign", "--files-dir", "out.d", cwd=here)
    assert beside == Ran(0, f"{IGNITION_AS_BUTANE}        local: opt/blob\n", "1 file written to out.d\n")
    assert (here / "out.d/opt/blob").read_bytes() == b"\0\1\2"
    through = provision("transpile", "-d", "out.d", stdin=beside.out, cwd=here)
    assert json.loads(through.out)["storage"]["files"][0]["contents"]["source"] == "data:,%00%01%02"


def test_files_that_are_there_already_are_left_alone_or_refused(here: Path) -> None:
    arguments = ("decompile", "blob.ign", "--files-dir", "out.d", "-o", "out.bu")
    assert provision(*arguments, cwd=here).code == 0
    assert provision(*arguments, cwd=here).code == 0
    (here / "out.d/opt/blob").write_text("mine")
    (here / "out.bu").write_text("mine")
    ran = provision(*arguments, cwd=here)
    assert (ran.code, ran.out) == (2, "")
    assert "out.d/opt/blob: there is another file already; take an empty folder\n" in ran.err
    assert [(here / name).read_text() for name in ("out.d/opt/blob", "out.bu")] == ["mine", "mine"]


@pytest.mark.parametrize("command", ["convert", "decompile"])
def test_where_the_document_can_not_be_written_no_files_are_left(command: str, here: Path) -> None:
    before = files_in(here)
    ran = provision(command, "blob.ign", "--files-dir", "out.d/deep", "-o", "nowhere/out.bu", cwd=here)
    assert ran == Ran(2, "", "provision: nowhere/out.bu: no such file or directory\n")
    assert files_in(here) == before


def test_where_one_of_the_files_can_not_be_written_none_is_left(here: Path) -> None:
    full = "import provision.decompile.files as f\nfrom provision.diagnostics import ProvisionError\n" \
        "def full(path, data): raise ProvisionError('disk full', exit_code=2)\nf.write_output = full"  # fmt: skip
    before = files_in(here)
    ran = run_patched(full, "decompile", here / "blob.ign", "--files-dir", here / "out.d", "-o", here / "out.bu")
    assert ran == Ran(2, "", "provision: disk full\n")
    assert files_in(here) == before


@as_someone_else
def test_a_folder_that_is_closed_to_us_is_told() -> None:
    with public_folder() as folder:
        written(folder, blob_ign=IGNITION)
        for arguments in (["-o", "out.bu"], ["--files-dir", "out.d"]):
            ran = provision("decompile", "blob.ign", *arguments, cwd=folder, before=as_other_user())
            assert (ran.code, ran.out) == (2, "")
            assert ran.err.endswith(": permission denied\n")
        assert files_in(folder) == ["blob.ign"]


@pytest.mark.parametrize("name", ["cloud.yaml", "good.bu", "local.yaml"])
def test_what_people_wrote_is_for_convert(name: str, here: Path) -> None:
    ran = provision("decompile", name, cwd=here)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.endswith(": use `provision convert`\n")


@pytest.mark.parametrize("version", ["3.4.0", "2.2.0"])
def test_a_machine_config_becomes_butane_for_openshift_whatever_the_version_inside(version: str, here: Path) -> None:
    old = MACHINE.format(name="50-a").replace("3.4.0", version)
    if version < "3":
        old = old.replace("- path", "- filesystem: root\n          path")
    ran = provision("decompile", stdin=old)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("variant: openshift\n")
    assert "  name: 50-a\n" in ran.out


# ---- merge -------------------------------------------------------------------------------------------------------


def test_the_merged_config_has_the_last_word_of_each_whatever_the_order_of_the_files(here: Path) -> None:
    ran = provision("merge", "--machineconfig", "second.yaml", "first.yaml", cwd=here)
    assert (ran.code, ran.err) == (0, "")
    assert "data:,20-second" in ran.out
    assert "data:,10-first" not in ran.out


def test_the_merged_config_can_be_json_and_a_file(here: Path) -> None:
    arguments = ("merge", "--machineconfig", "first.yaml", "second.yaml")
    as_json = provision(*arguments, "--json", cwd=here)
    assert json.loads(as_json.out)["kind"] == "MachineConfig"
    assert provision(*arguments, "--json", "-o", "out.json", cwd=here) == Ran(0, "", "")
    assert (here / "out.json").read_text() == as_json.out


def test_who_won_is_told_on_standard_error(here: Path) -> None:
    plain = provision("merge", "--machineconfig", "first.yaml", "second.yaml", cwd=here)
    ran = provision("merge", "--machineconfig", "--explain", "first.yaml", "second.yaml", cwd=here)
    assert (ran.code, ran.out) == (0, plain.out)
    assert "/etc/app.conf" in ran.err
    assert "20-second" in ran.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["first.yaml"], 2, "--machineconfig"),
        (["--machineconfig"], 2, "Missing argument"),
        (["--machineconfig", "cloud.yaml"], 2, "cloud.yaml"),
        (["--machineconfig", "--pool", "nope", "first.yaml"], 2, "nope"),
        (["--machineconfig", "first.yaml", "roleless.yaml"], 1, "error[PV"),
    ],
)
def test_what_can_not_be_merged_is_told_and_nothing_is_written(
    arguments: list[str], code: int, said: str, here: Path
) -> None:
    ran = provision("merge", *arguments, "-o", "out.yaml", cwd=here)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert not (here / "out.yaml").exists()


def test_strict_takes_no_warnings_when_merging(here: Path) -> None:
    file = SAMPLES / "machineconfig" / "10-worker-container-runtime.yaml"
    assert provision("merge", "--machineconfig", file).code == 0
    ran = provision("merge", "--machineconfig", "--strict", file, "-o", here / "out.yaml")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.endswith("nothing was written: --strict takes no warnings\n")
    assert not (here / "out.yaml").exists()


# ---- inspect -----------------------------------------------------------------------------------------------------


def test_a_config_is_shown_as_a_tree_or_as_json(here: Path) -> None:
    assert "├── hostname  0644  root:root  4 B  text\n" in provision("inspect", "cloud.yaml", cwd=here).out
    shown = json.loads(provision("inspect", "--json", "cloud.yaml", cwd=here).out)
    assert [file["path"] for file in shown["files"]] == ["/etc/hostname"]


def test_one_file_of_a_config_is_printed_as_it_is(here: Path) -> None:
    assert provision("inspect", "--cat", "/etc/hostname", "cloud.yaml", cwd=here) == Ran(0, "box\n", "")
    ran = provision("inspect", "--cat", "/etc/nothing", "cloud.yaml", cwd=here)
    assert ran == Ran(2, "", "provision: /etc/nothing: no file or unit of this config\n")


@pytest.mark.parametrize("other", [["--json"], ["--extract", "out.d"]])
def test_a_printed_file_is_all_that_is_printed(other: list[str], here: Path) -> None:
    ran = provision("inspect", "--cat", "/etc/hostname", *other, "cloud.yaml", cwd=here)
    assert (ran.code, ran.out) == (2, "")
    assert "--cat prints one file as it is" in ran.err
    assert not (here / "out.d").exists()


def test_the_files_of_a_config_are_extracted_into_a_folder(here: Path) -> None:
    ran = provision("inspect", "--extract", "out.d", "cloud.yaml", cwd=here)
    assert ran.code == 0
    assert (here / "out.d/etc/hostname").read_text() == "box\n"


# ---- report ------------------------------------------------------------------------------------------------------


def test_a_report_has_a_line_for_every_field_and_counts_them(here: Path) -> None:
    ran = provision("report", "cloud.yaml", cwd=here)
    assert (ran.code, ran.err) == (0, "")
    assert "\n   3  hostname         exact      /etc/hostname\n" in ran.out
    assert ("\ncloud.yaml (cloud-config): 3 fields, 2 exact, 1 by a unit, 0 lost\n") in ran.out
    shown = json.loads(provision("report", "--json", "cloud.yaml", cwd=here).out)
    assert shown["summary"] == {"exact": 2, "unit": 1, "lost": 0}
    assert [field["path"] for field in shown["fields"]] == [
        "hostname", "coreos.units[0].name", "coreos.units[0].command",
    ]  # fmt: skip


def test_a_report_of_a_wrong_config_is_json_all_the_same(here: Path) -> None:
    ran = provision("report", "--json", "wrong.yaml", cwd=here)
    assert ran.code == 1
    assert json.loads(ran.out)["file"] == "wrong.yaml"
    assert "wrong.yaml:4:15: error[PV" in ran.err
