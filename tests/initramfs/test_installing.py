"""`provision initramfs install` and `uninstall`: what is written, that it is so again, and what is told."""

import json
import os
import stat
import sys
from pathlib import Path

import pytest
from cli_console import provision

from provision.agent import building
from provision.agent.building import Built
from provision.apply import environment
from provision.apply.programs import FRAGMENT_VARIABLE, PROGRAMS
from provision.diagnostics import ProvisionError
from provision.initramfs import programs
from provision.initramfs.installing import install, uninstall
from provision.initramfs.kinds import FOLDER, KINDS, kind_of
from provision.initramfs.root_python import interpreter_for

SIGNS = {"initramfs-tools": "usr/sbin/update-initramfs", "dracut": "usr/bin/dracut", "mkinitcpio": "usr/bin/mkinitcpio"}
OWN = f"python{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(autouse=True)
def quick_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that takes no time to make."""
    monkeypatch.setattr(
        "provision.initramfs.installing.build", lambda program: Built(b"agent of " + program.encode(), 1, "3")
    )


def system(folder: Path, *kinds: str) -> Path:
    """A root with Python and what makes an initramfs."""
    for path in ("usr/bin/sh", *(SIGNS[kind] for kind in kinds)):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
    (folder / "usr/bin/python3").symlink_to(OWN)
    return folder


def tree(root: Path) -> dict[str, tuple[int, bytes]]:
    """Modes and contents of all files, and the targets of links."""
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_symlink():
            found[str(path.relative_to(root))] = (0, os.readlink(path).encode())
        elif path.is_file():
            found[str(path.relative_to(root))] = (stat.S_IMODE(path.stat().st_mode), path.read_bytes())
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_all_files_of_a_kind_are_written_and_taken_away_again(kind: str, tmp_path: Path) -> None:
    root = system(tmp_path, *({kind} & set(SIGNS)))
    before = tree(root)
    report = install(str(root), kind, None)
    after = tree(root)
    assert {each.path for each in report.placed} | {"/usr/lib/provision/installed.json"} == {
        f"/{path}" for path in set(after) - set(before)
    }
    assert {each.state for each in report.placed} == {"written"}
    for row in KINDS[kind].rows:
        mode, content = after[row.path[1:]]
        assert content == (row.target.encode() or (FOLDER / row.source).read_bytes())
        assert row.target or mode == (0o755 if content.startswith(b"#!") else 0o644)
    assert after["usr/lib/provision/agent.pyz"] == (0o755, f"agent of {sys.executable}".encode())

    again = install(str(root), kind, None)
    assert {each.state for each in again.placed} == {"unchanged"}
    assert again.changed == 0
    assert tree(root) == after

    assert uninstall(str(root), None).changed == len(report.placed)
    assert tree(root) == before
    assert uninstall(str(root), None).placed == []


def test_every_shipped_file_belongs_to_a_kind() -> None:
    shipped = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file()}
    assert {row.source for kind in KINDS.values() for row in kind.rows if row.source} == shipped - {"environment"}


@pytest.mark.parametrize("kind", SIGNS)
def test_the_kind_is_that_of_the_root(kind: str, tmp_path: Path) -> None:
    assert kind_of(str(system(tmp_path, kind)), "auto") == kind


def test_what_changed_is_written_anew(tmp_path: Path) -> None:
    root = system(tmp_path, "dracut")
    install(str(root), "auto", None)
    module = root / "usr/lib/dracut/modules.d/35provision/module-setup.sh"
    module.chmod(0o644)
    (root / "usr/lib/provision/programs").write_text("")
    assert [each.path for each in install(str(root), "auto", None).placed if each.state == "written"] == [
        "/usr/lib/provision/programs", "/usr/lib/dracut/modules.d/35provision/module-setup.sh",
    ]  # fmt: skip
    assert stat.S_IMODE(module.stat().st_mode) == 0o755


def test_what_somebody_changed_is_left(tmp_path: Path) -> None:
    root = system(tmp_path, "initramfs-tools")
    install(str(root), "auto", None)
    hook = root / "usr/share/initramfs-tools/hooks/provision"
    hook.write_text(hook.read_text() + "# mine\n")
    (root / "usr/lib/provision/programs").unlink()
    report = uninstall(str(root), None)
    assert [each.path for each in report.placed if each.state == "kept"] == [
        "/usr/share/initramfs-tools/hooks/provision"
    ]
    assert report.notes == ["/usr/share/initramfs-tools/hooks/provision was changed since, and is left"]
    assert hook.exists()
    assert not (root / "usr/lib/provision").exists()


def test_settings_are_the_machine_s_own(tmp_path: Path) -> None:
    root = system(tmp_path, "dracut")
    install(str(root), "auto", None)
    settings = root / "etc/provision/environment"
    assert dict(environment.settings(settings.read_text(), "")) == {FRAGMENT_VARIABLE: "false"}
    settings.write_text("PROVISION_DEVICE_TIMEOUT=5\n")
    assert install(str(root), "auto", None).changed == 0
    assert settings.read_text() == "PROVISION_DEVICE_TIMEOUT=5\n"
    assert uninstall(str(root), None).notes == ["/etc/provision/environment was changed since, and is left"]


def test_files_that_another_kind_needs_stay(tmp_path: Path) -> None:
    root = system(tmp_path, "initramfs-tools")
    install(str(root), "initramfs-tools", None)
    without = tree(root)
    install(str(root), "systemd", None)
    assert uninstall(str(root), "systemd").changed == len(KINDS["systemd"].rows)
    assert tree(root) == without


def test_no_link_leads_out_of_the_root(tmp_path: Path) -> None:
    root = system(tmp_path / "root", "dracut")
    (tmp_path / "outside").mkdir()
    (root / "usr/lib").symlink_to("../../outside")
    install(str(root), "auto", None)
    assert os.listdir(tmp_path / "outside") == []
    assert (root / "outside/provision/agent.pyz").exists()


# ---- what is refused -----------------------------------------------------------------------------------------------


def test_a_root_without_an_initramfs_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ProvisionError, match="has none of initramfs-tools, dracut, mkinitcpio; install one") as caught:
        install(str(system(tmp_path)), "auto", None)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("kind", "meant"), [("dracat", "did you mean dracut"), ("booster", "use auto, initramfs-tools")]
)
def test_a_kind_that_there_is_not(kind: str, meant: str, tmp_path: Path) -> None:
    with pytest.raises(ProvisionError, match=meant) as caught:
        install(str(tmp_path), kind, None)
    assert caught.value.exit_code == 2


def test_a_root_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(ProvisionError, match="there is no such folder") as caught:
        install(str(tmp_path / "nowhere"), "dracut", None)
    assert caught.value.exit_code == 2
    with pytest.raises(ProvisionError, match="there is no such folder"):
        uninstall(str(tmp_path / "nowhere"), None)


def test_a_root_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = system(tmp_path, "dracut")

    def refuse(*arguments: object) -> None:
        raise OSError(30, "Read-only file system", "/usr/lib")

    monkeypatch.setattr("provision.apply.system.Machine.replace", refuse)
    with pytest.raises(ProvisionError, match=r"cannot be changed: /usr/lib: Read-only file system") as caught:
        install(str(root), "auto", None)
    assert caught.value.exit_code == 3


def test_a_damaged_list_is_told(tmp_path: Path) -> None:
    root = system(tmp_path, "dracut")
    install(str(root), "auto", None)
    for content in ("torn {", '{"dracut": 1}', "[]"):
        (root / "usr/lib/provision/installed.json").write_text(content)
        with pytest.raises(ProvisionError, match=r"installed.json is damaged; remove it, and install again"):
            uninstall(str(root), None)


# ---- Python ----------------------------------------------------------------------------------------------------------


def test_the_agent_is_for_the_python_of_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = str(system(tmp_path / "root"))
    assert interpreter_for(root, None) == (sys.executable, "")
    assert interpreter_for(root, "/opt/python").program == "/opt/python"
    (tmp_path / "root/usr/bin/python3").unlink()
    (tmp_path / "root/usr/bin/python3").symlink_to("python3.99")
    with pytest.raises(ProvisionError, match=r"has Python 3.99, and there is none of that release here"):
        interpreter_for(root, None)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python3.99").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert interpreter_for(root, None).program == f"{tmp_path}/bin/python3.99"


def test_a_system_without_python_is_refused_and_a_folder_is_not(tmp_path: Path) -> None:
    root = system(tmp_path / "root")
    (root / "usr/bin/python3").unlink()
    with pytest.raises(
        ProvisionError, match=r"there is no /usr/bin/python3, which the agent runs with; install python3"
    ):
        interpreter_for(str(root), None)
    (root / "usr/bin/python3").touch()
    with pytest.raises(ProvisionError, match=r"does not tell its release"):
        interpreter_for(str(root), None)
    (tmp_path / "folder").mkdir()
    assert interpreter_for(str(tmp_path / "folder"), None) == (
        sys.executable, f"{tmp_path}/folder has no Python; the agent is made for release {OWN[6:]}, as the one that runs this",
    )  # fmt: skip


def test_the_real_agent_is_what_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provision.initramfs.installing.build", building.build)
    ran = provision("initramfs", "install", "--kind", "systemd", "--root", str(system(tmp_path)))
    assert (ran.code, ran.err) == (0, "")
    assert os.access(tmp_path / "usr/lib/provision/agent.pyz", os.X_OK)


# ---- programs --------------------------------------------------------------------------------------------------------


def test_every_program_that_the_applier_calls_is_in_the_table() -> None:
    assert {row.name for row in programs.ROWS} | set(programs.LEFT_OUT) == set(PROGRAMS)
    lines = [line.lstrip("-") for line in programs.listed().splitlines() if not line.startswith("#")]
    assert set(lines) == set(PROGRAMS) - set(programs.LEFT_OUT)
    assert set(programs.NEEDED) <= set(PROGRAMS)


def test_what_the_initramfs_will_lack_is_told(tmp_path: Path) -> None:
    root = system(tmp_path, "dracut")
    for name in ("mdadm", "sgdisk", "mkfs.xfs"):
        (root / "usr/sbin").mkdir(exist_ok=True)
        (root / "usr/sbin" / name).touch()
    missing = {program.name for program in install(str(root), "auto", None).missing}
    assert {"cryptsetup", "mkfs.btrfs", "useradd"} <= missing
    assert not missing & {"mdadm", "sgdisk", "mkfs.xfs", "zkey", "is-live-image"}


# ---- the command line ------------------------------------------------------------------------------------------------


def test_the_report_is_for_people_or_programs(tmp_path: Path) -> None:
    root = system(tmp_path, "initramfs-tools")
    first = provision("initramfs", "install", "--root", str(root))
    assert (first.code, first.err) == (0, "")
    lines = first.out.splitlines()
    assert "written   /usr/share/initramfs-tools/hooks/provision" in lines
    assert f"{root}: initramfs-tools: 12 of 12 files changed" in lines
    assert any(
        line.startswith("missing:  cryptsetup, so a first boot cannot do encrypted volumes; on Debian:")
        for line in lines
    )
    assert f"next:     in {root}: run `update-initramfs -u -k all`, which makes the initramfs anew" in lines
    second = provision("initramfs", "install", "--root", str(root))
    assert f"{root}: nothing to do, 12 files are as they should be" in second.out
    assert "update-initramfs" not in second.out
    told = json.loads(provision("initramfs", "install", "--json", "--root", str(root)).out)
    assert (told["root"], told["kinds"], told["changed"]) == (str(root), ["initramfs-tools"], 0)
    assert {each["state"] for each in told["files"]} == {"unchanged"}
    gone = json.loads(provision("initramfs", "uninstall", "--json", "--root", str(root)).out)
    assert (gone["kinds"], gone["changed"]) == (["initramfs-tools"], 12)
    assert (
        provision("initramfs", "uninstall", "--root", str(root)).out == f"{root}: nothing to do, nothing is installed\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("install", "--kind", "booster"), 2),
        (("install", "--root", "/nowhere"), 2),
        (("uninstall", "--root", "/nowhere"), 2),
    ],
)
def test_errors_end_with_their_code(arguments: tuple[str, ...], code: int) -> None:
    ran = provision("initramfs", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.startswith("provision: ")
