"""`provision apply` as a process: what it shows, what it refuses and with which exit code."""

import os
import shutil
from pathlib import Path

import pytest
from cli_console import (
    ERROR,
    GOOD,
    SCRIPT,
    WARNING,
    as_other_user,
    on_terminal,
    other_user_can_run,
    provision,
    public_folder,
    written,
)

CONFIG = """\
variant: fcos
version: 1.6.0
storage:
  directories:
    - path: /opt/app
      mode: 0750
  files:
    - path: /etc/motd
      overwrite: true
      contents:
        inline: |
          new
    - path: /opt/app/run
      mode: 0755
      contents:
        inline: x
  links:
    - path: /etc/localtime
      target: ../usr/share/zoneinfo/Europe/Berlin
systemd:
  units:
    - name: app.service
      enabled: true
      contents: |
        [Service]
        ExecStart=/opt/app/run
        [Install]
        WantedBy=multi-user.target
"""
PASSWD = """\
variant: fcos
version: 1.6.0
passwd:
  users:
    - name: core
"""
UNSUPPORTED = """\
variant: fcos
version: 1.6.0
kernel_arguments:
  should_exist: [quiet]
storage:
  disks:
    - device: /dev/vda
      wipe_table: true
  filesystems:
    - device: /dev/vda1
      format: ext4
  luks:
    - name: data
      device: /dev/vdb
      key_file:
        inline: key
  raid:
    - name: md
      level: raid1
      devices: [/dev/vdc, /dev/vdd]
  files:
    - path: /etc/remote
      contents:
        source: https://example.com/x
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    written(tmp_path, config_bu=CONFIG, error_bu=ERROR, warning_bu=WARNING, good_bu=GOOD)
    written(tmp_path / "root" / "etc", motd_="old\n")
    (tmp_path / "root/etc/motd.").rename(tmp_path / "root/etc/motd")
    return tmp_path


def tree(root: Path) -> dict[str, object]:
    """What is below a root: the text of files, the targets of links, None for directories."""
    return {
        str(path.relative_to(root)): os.readlink(path) if path.is_symlink() else path.read_text() if path.is_file() else None
        for path in sorted(root.rglob("*"))
    }  # fmt: skip


def test_a_dry_run_shows_operations_and_differences_and_writes_nothing(here: Path) -> None:
    before = tree(here)
    ran = provision("apply", "config.bu", "--root", "root", "--dry-run", cwd=here)
    assert ran.code == 0
    for said in (
        "make directory /opt/app: mode 0750\n", "write /etc/motd: ", "\n  -old\n  +new\n",
        "link /etc/localtime -> ../usr/share/zoneinfo/Europe/Berlin\n", "enable app.service\n",
    ):  # fmt: skip
        assert said in ran.out
    assert ran.err.endswith(" operations planned; nothing was written\n")
    assert tree(here) == before
    assert provision("apply", "config.bu", "--root", "root", "-n", cwd=here) == ran


def test_applying_writes_the_tree_and_says_each_step(here: Path) -> None:
    ran = provision("apply", "config.bu", "--root", "root", cwd=here)
    assert ran.code == 0
    root = here / "root"
    found = tree(root)
    assert found["etc/motd"] == "new\n"
    assert found["etc/localtime"] == "../usr/share/zoneinfo/Europe/Berlin"
    assert found["etc/systemd/system-preset/20-ignition.preset"] == "enable app.service\n"
    assert (root / "opt/app").stat().st_mode & 0o7777 == 0o750
    assert (root / "opt/app/run").stat().st_mode & 0o7777 == 0o755
    steps = ran.out.splitlines()
    assert steps[0].startswith(f"[1/{len(steps)}] ")
    assert ran.err.splitlines()[-1] == f"{len(steps)} operations done in root"


def test_applying_again_finds_it_done(here: Path) -> None:
    assert provision("apply", "good.bu", "--root", "root", cwd=here).code == 0
    before = tree(here)
    ran = provision("apply", "good.bu", "--root", "root", cwd=here)
    assert (ran.code, tree(here)) == (0, before)
    assert "0 operations done in root" in ran.err


def test_a_terminal_shows_each_operation_and_a_summary(here: Path) -> None:
    ran = on_terminal(SCRIPT, "apply", str(here / "good.bu"), "--root", str(here / "root"))
    assert ran.code == 0
    assert "[1/" in ran.out
    assert "done in" in ran.out


@pytest.mark.parametrize("arguments", [["-"], ["config.ign"]])
def test_the_config_may_be_standard_input_or_ignition(arguments: list[str], here: Path) -> None:
    (here / "config.ign").write_text(provision("transpile", "config.bu", cwd=here).out)
    ran = provision("apply", *arguments, "--root", "root", cwd=here, stdin=CONFIG)
    assert ran.code == 0
    assert (here / "root/opt/app/run").read_text() == "x"


def test_a_warning_is_shown_and_does_not_stop(here: Path) -> None:
    ran = provision("apply", "warning.bu", "--root", "root", cwd=here)
    assert (ran.code, ran.out) == (0, "")
    assert "warning.bu:3:1: warning[PV101]" in ran.err


def test_an_error_in_the_config_stops_before_anything_is_looked_at(here: Path) -> None:
    ran = provision("apply", "error.bu", "--root", "nowhere", cwd=here)
    assert (ran.code, ran.out) == (1, "")
    assert "error.bu:5:13: error[PV301]" in ran.err
    assert "nowhere" not in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["config.bu"], "say what to apply to: --root DIR or --image DISK.img"),
        (["config.bu", "--root", "root", "--image", "x.img"], "say what to apply to"),
        (["config.bu", "--image", "x.img", "--skip", "luks"], "--image takes neither --disks nor --skip"),
        (["config.bu", "--root", "root", "--disks", "--dry-run"], "use `provision plan`"),
        ([], "Missing"),
        (["config.bu", "--root", "nowhere"], "--root nowhere: "),
        (["config.bu", "--root", "good.bu"], "--root good.bu: "),
        (["config.bu", "--root", "nowhere", "-n"], "--root nowhere: "),
        (["config.bu", "--root", "/"], "--root / is the running system itself; confirm with --yes"),
        (["config.bu", "--root", "/proc/self/root/./"], "confirm with --yes"),
        (["config.bu", "--root", "root", "--skip", "nonsense"], "--skip nonsense: not a section; there are passwd, "),
        (["nothing.bu", "--root", "root"], "nothing.bu: no such file or directory"),
        (["root", "--root", "root"], "root: is a directory"),
    ],
)
def test_wrong_usage_is_told_and_nothing_is_written(arguments: list[str], said: str, here: Path) -> None:
    before = tree(here)
    ran = provision("apply", *arguments, cwd=here)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert tree(here) == before


def test_a_dry_run_of_the_running_system_needs_no_confirmation(here: Path) -> None:
    config = GOOD.replace("/etc/hostname", "/provision-test/new")
    ran = provision("apply", "-", "--root", "/", "-n", stdin=config)
    assert ran.code == 0
    assert "write /provision-test/new: " in ran.out
    assert not Path("/provision-test").exists()


@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_what_a_directory_has_no_place_for_is_refused_by_name_before_anything_is_written(
    dry: list[str], here: Path
) -> None:
    before = tree(here)
    ran = provision("apply", "-", "--root", "root", "--offline", *dry, cwd=here, stdin=UNSUPPORTED)
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("provision: nothing was written to root:\n")
    for section in (
        "kernelArguments",
        "storage.disks",
        "storage.raid",
        "storage.luks",
        "storage.filesystems",
        "/etc/remote",
    ):
        assert f"  {section}: " in ran.err
    assert tree(here) == before


def test_sections_that_are_skipped_are_said(here: Path) -> None:
    config = UNSUPPORTED.partition("  files:")[0]
    skips = [f"--skip={section}" for section in ("kernel_arguments", "disks", "raid", "luks", "filesystems")]
    ran = provision("apply", "-", "--root", "root", *skips, cwd=here, stdin=config)
    assert ran.code == 0
    assert ran.err.count(", as --skip ") == 5


def test_what_is_in_the_way_is_refused_with_the_reason(here: Path) -> None:
    (here / "root/etc/hostname").write_text("mine")
    ran = provision("apply", "good.bu", "--root", "root", cwd=here)
    assert (ran.code, ran.out) == (3, "")
    assert "/etc/hostname: " in ran.err
    assert (here / "root/etc/hostname").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("useradd"), reason="needs root and useradd")
def test_root_adds_users(here: Path) -> None:
    for name in ("passwd", "group", "shadow"):
        (here / "root/etc" / name).write_text("")
    ran = provision("apply", "-", "--root", "root", cwd=here, stdin=PASSWD)
    assert ran.code == 0, ran.err
    assert (here / "root/etc/passwd").read_text().startswith("core:x:")


@pytest.mark.skipif(not other_user_can_run(), reason="another user can't reach this environment")
def test_without_root_files_are_written_and_users_are_refused() -> None:
    with public_folder() as here:
        written(here, config_bu=CONFIG, passwd_bu=PASSWD)
        root = written(here / "root")
        root.chmod(0o777)
        user = as_other_user()
        ran = provision("apply", "passwd.bu", "--root", "root", cwd=here, before=user)
        assert (ran.code, ran.out, tree(root)) == (3, "", {})
        assert "only root can add or change users and groups" in ran.err
        assert "--skip passwd" in ran.err
        assert provision("apply", "passwd.bu", "--root", "root", "--skip", "passwd", cwd=here, before=user).code == 0
        assert provision("apply", "config.bu", "--root", "root", cwd=here, before=user).code == 0
        assert tree(root)["opt/app/run"] == "x"
        assert (root / "opt/app/run").stat().st_uid != 0
        root.chmod(0o755)


@pytest.mark.skipif(os.geteuid() != 0 or not other_user_can_run(), reason="needs two users")
def test_a_root_that_we_may_not_write_to_is_a_refusal_by_the_machine() -> None:
    with public_folder() as here:
        written(here, config_bu=CONFIG)
        written(here / "root")
        ran = provision("apply", "config.bu", "--root", "root", cwd=here, before=as_other_user())
        assert ran.code == 3
        assert "could not make directory /opt" in ran.err
        assert "Permission denied" in ran.err
        assert "Traceback" not in ran.err
        assert tree(here / "root") == {}


def test_yes_alone_does_not_stand_for_a_root(here: Path) -> None:
    ran = provision("apply", "good.bu", "--yes", cwd=here)
    assert (ran.code, ran.out) == (2, "")
