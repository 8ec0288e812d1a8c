"""`first-boot begin`, `end` and `failure`: what they decide, write and print."""

import json
import subprocess
from pathlib import Path

import pytest
from first_boot_machine import FakeMachine, asked, machine

from provision.apply.command import main
from provision.apply.first_boot import command, consoles, network, platforms, run_file, stamp

__all__ = ["machine"]

LABEL = stamp.BOOT_DEVICES[0]


@pytest.fixture(autouse=True)
def qemu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platforms, "look", lambda prefix: {"sys_vendor": "QEMU"})
    monkeypatch.setattr("provision.apply.failure_file.keep_failure.__defaults__", ("/dev/null/nowhere",))


def run(*arguments: str) -> int:
    """Call the program."""
    return main(["provision-agent", "first-boot", *arguments])


def test_a_first_boot_is_written_down_for_the_stages(machine: FakeMachine, capsys: pytest.CaptureFixture[str]) -> None:
    asked(machine, "root=/dev/vda provision.firstboot")
    (machine.add("/dev/vda") / "etc").mkdir()
    assert run("begin", "-log-to-stdout") == 0
    written = Path(run_file.FILE)
    assert written.stat().st_mode & 0o777 == 0o600
    assert Path(run_file.FOLDER).stat().st_mode & 0o777 == 0o700
    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if "this is a first boot" in line] == [
        "INFO     : this is a first boot: the kernel command line has provision.firstboot; the platform is qemu: its "
        "sys_vendor is QEMU"
    ]
    shell = f'. {run_file.FILE}; echo "$PLATFORM_ID|$STAMP|$REASON"'
    assert subprocess.run(["sh", "-euc", shell], capture_output=True, text=True, check=True).stdout == (
        "qemu||the kernel command line has provision.firstboot\n"
    )


def test_a_stamp_is_written_down_too(machine: FakeMachine) -> None:
    (machine.add(LABEL) / "provision.firstboot").touch()
    assert run("begin") == 0
    boot = run_file.read()
    assert boot is not None
    assert boot.stamps == (f"{LABEL}:/provision.firstboot",)


def test_what_is_no_first_boot_leaves_nothing(machine: FakeMachine, capsys: pytest.CaptureFixture[str]) -> None:
    asked(machine, "root=/dev/vda provision.firstboot")
    etc = machine.add("/dev/vda") / "etc"
    etc.mkdir()
    (etc / ".ignition-result.json").write_text('{"provisioningDate": "2026-01-02T03:04:05Z"}')
    run_file.write(run_file.FirstBoot("qemu", (), "of an attempt before"))
    assert run("begin", "-log-to-stdout") == 0
    assert run_file.read() is None
    assert "was provisioned already, 2026-01-02T03:04:05Z" in capsys.readouterr().out


def test_a_root_that_is_mounted_is_looked_at_where_it_is(machine: FakeMachine, tmp_path: Path) -> None:
    (tmp_path / "here/boot").mkdir(parents=True)
    (tmp_path / "here/boot/ignition.firstboot").touch()
    assert run("begin", "-root", str(tmp_path / "here")) == 0
    boot = run_file.read()
    assert boot is not None
    assert boot.stamps == ("root:/boot/ignition.firstboot",)
    assert machine.log == []


def test_a_platform_that_there_is_not_is_told_before_anything_is_fetched(
    machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    asked(machine, "provision.firstboot ignition.platform.id=moon")
    assert run("begin") == 1
    said = capsys.readouterr().err
    assert "provision: stage begin failed" in said
    assert "-platform moon: not known; there are akamai" in said
    assert run_file.read() is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "first-boot: a command is missing; there are begin, end, failure"),
        (("start",), "first-boot: 'start' is no command of it; there are begin, end, failure"),
        (("begin", "-wait", "long"), "-wait long: write seconds, such as 10"),
    ],
)
def test_what_is_asked_wrongly_is_told(
    arguments: tuple[str, ...], message: str, machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    assert message in capsys.readouterr().err


def test_the_end_removes_what_asked(machine: FakeMachine, capsys: pytest.CaptureFixture[str]) -> None:
    boot = machine.add(LABEL)
    (boot / "provision.firstboot").touch()
    run("begin")
    assert run("end", "-root", str(machine.folder), "-log-to-stdout") == 0
    assert not (boot / "provision.firstboot").exists()
    assert "the first boot is complete" in capsys.readouterr().out


def test_an_end_without_a_beginning_does_nothing(machine: FakeMachine, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("end", "-log-to-stdout") == 0
    assert "nothing to end" in capsys.readouterr().out


def test_an_end_that_cannot_be_is_a_failure(machine: FakeMachine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.add(LABEL)
    run_file.write(run_file.FirstBoot("qemu", (f"{LABEL}:/provision.firstboot",), "there is a stamp"))
    machine.broken.add(LABEL)
    assert run("end") == 1
    assert "stage end failed" in capsys.readouterr().err


# ---- the network -------------------------------------------------------------------------------------------------


def test_interfaces_that_were_brought_up_are_switched_off(
    machine: FakeMachine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_file.write(run_file.FirstBoot("qemu", (), "asked"))
    Path(network.FILE).write_text("ens3\n\nens4\nens3\n")
    calls: list[tuple[int, bytes]] = []

    def ioctl(fd: int, request: int, argument: bytes) -> bytes:
        calls.append((request, argument))
        if argument.startswith(b"ens4"):
            raise OSError(19, "No such device")
        return argument[:16] + b"\x43\x10" + argument[18:]

    monkeypatch.setattr("fcntl.ioctl", ioctl)
    assert run("end", "-log-to-stdout") == 0
    names = [(request, argument.rstrip(b"\0")) for request, argument in calls if request != network.SIOCSIFADDR]
    assert names == [
        (network.SIOCGIFFLAGS, b"ens3"),
        (network.SIOCSIFFLAGS, b"ens3" + bytes(12) + b"\x42\x10"),
        (network.SIOCGIFFLAGS, b"ens4"),
    ]
    assert all(len(argument) == 40 for _, argument in calls)
    assert "the network interface ens4 stays as it is: No such device" in capsys.readouterr().out


# ---- what failed -------------------------------------------------------------------------------------------------


FAILURE = {
    "stage": "files", "operation": "write /etc/motd", "subject": "storage.files /etc/motd",
    "place": {"file": "machine.bu", "line": 12, "column": 7}, "cause": "No space left on device", "remedy": "make room",
}  # fmt: skip
BLOCK = """\
------------------------------------------------------------------------
provision: stage files failed
  operation  write /etc/motd
  for        storage.files /etc/motd (machine.bu:12:7)
  cause      No space left on device
  what to do make room
------------------------------------------------------------------------
"""


@pytest.fixture
def screens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two consoles, of which one is gone."""
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/ttyS0").touch()
    (tmp_path / "active").write_text("tty0 ttyS0\n")
    monkeypatch.setattr(consoles, "ACTIVE", str(tmp_path / "active"))
    monkeypatch.setattr(consoles, "DEVICES", str(tmp_path / "dev"))
    return tmp_path / "dev/ttyS0"


@pytest.mark.parametrize("stages", ["files", "mount,files,umount"])
def test_the_block_of_the_stage_that_failed_is_on_every_console(
    stages: str, machine: FakeMachine, screens: Path
) -> None:
    (machine.folder / "failure.json").write_text(json.dumps({"provisioningBootID": "x", "failure": FAILURE}))
    assert run("failure", "-stage", stages) == 0
    assert screens.read_text() == "\n" + BLOCK
    assert Path(consoles.BLOCK_FILE).read_text() == BLOCK


def test_where_another_prints_it_the_consoles_are_left_alone(machine: FakeMachine, screens: Path) -> None:
    (machine.folder / "failure.json").write_text(json.dumps({"failure": FAILURE}))
    assert run("failure", "-quiet", "-stage", "files") == 0
    assert screens.read_text() == ""
    assert Path(consoles.BLOCK_FILE).read_text() == BLOCK


@pytest.mark.parametrize(
    "content", [None, "torn", "[]", '{"failure": 1}', json.dumps({"failure": {**FAILURE, "stage": "disks"}})]
)
def test_a_stage_that_left_nothing_has_a_plain_block(content: str | None, machine: FakeMachine, screens: Path) -> None:
    if content is not None:
        (machine.folder / "failure.json").write_text(content)
    assert run("failure", "-stage", "mount,files") == 0
    assert "provision: stage mount,files failed\n  cause      it ended before it could say why" in screens.read_text()
    assert "No space" not in screens.read_text()


def test_without_a_list_of_consoles_there_is_one(machine: FakeMachine, screens: Path) -> None:
    (machine.folder / "active").unlink()
    assert consoles.active() == ["console"]


# ---- the file ----------------------------------------------------------------------------------------------------


def test_no_text_ends_the_quotes(machine: FakeMachine) -> None:
    run_file.write(run_file.FirstBoot("qemu", ("root:/boot/a",), 'it\'s $(reboot)\n`reboot` "x"'))
    done = subprocess.run(
        ["sh", "-euc", f'. {run_file.FILE}; echo "$REASON"'], capture_output=True, text=True, check=True
    )
    assert done.stdout == 'its $(reboot)`reboot` "x"\n'
    assert run_file.read() == ("qemu", ("root:/boot/a",), 'its $(reboot)`reboot` "x"')


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    said = capsys.readouterr().out
    assert all(f"\n  {name}" in said for name in command.COMMANDS)
