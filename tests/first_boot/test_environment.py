"""Variables that a machine sets for the agent in a file."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from provision.apply import environment
from provision.apply.command import PROGRAMS, main
from provision.diagnostics import ProvisionError

TEXT = """
# a comment
PROVISION_DEVICE_TIMEOUT=5
  IGNITION_CONFIG_FILE="/run/a config"
PROVISION_MKFS_XFS='/opt/mkfs.xfs'
PROVISION_RESULT_FILE=$HOME/#x
PROVISION_LUKS_KEY_DIR=
"""


def test_what_stands_there_already_wins(tmp_path: Path) -> None:
    (tmp_path / "environment").write_text(TEXT)
    environ = {"PROVISION_DEVICE_TIMEOUT": "1", "PATH": "/bin"}
    environment.load(environ, str(tmp_path / "environment"))
    assert environ == {
        "PROVISION_DEVICE_TIMEOUT": "1", "PATH": "/bin", "IGNITION_CONFIG_FILE": "/run/a config",
        "PROVISION_MKFS_XFS": "/opt/mkfs.xfs", "PROVISION_RESULT_FILE": "$HOME/#x", "PROVISION_LUKS_KEY_DIR": "",
    }  # fmt: skip


def test_no_file_sets_nothing(tmp_path: Path) -> None:
    environ: dict[str, str] = {}
    environment.load(environ, str(tmp_path / "environment"))
    assert environ == {}


@pytest.mark.parametrize(
    "line", ["PROVISION_DEVICE_TIMEOUT", "export PROVISION_DEVICE_TIMEOUT=5", "PATH=/bin", "= 5", "provision_x=1"]
)
def test_a_line_that_is_no_setting_is_told_with_its_number(line: str, tmp_path: Path) -> None:
    (tmp_path / "environment").write_text(f"# first\n{line}\n")
    with pytest.raises(ProvisionError, match=r"environment:2: .* is no setting; write NAME=value"):
        environment.load({}, str(tmp_path / "environment"))


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "environment").write_bytes(b"PROVISION_X=\xff\n")
    for path, why in ((tmp_path / "environment", "it is not UTF-8"), (tmp_path, "Is a directory")):
        with pytest.raises(ProvisionError, match=f"cannot be read: {why}"):
            environment.load({}, str(path))


def test_programs_of_the_agent_heed_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "environment").write_text("PATH=/bin\n")
    monkeypatch.setattr(environment.load, "__defaults__", (str(tmp_path / "environment"),))
    assert main(["provision-agent", "first-boot", "begin"]) == 3
    assert "environment:1: PATH=/bin is no setting" in capsys.readouterr().err
    assert main(["provision-agent", "--help"]) == 0


def test_a_file_that_is_wrong_does_not_keep_the_failure_from_being_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "environment").write_text("PATH=/bin\n")
    monkeypatch.setattr(environment.load, "__defaults__", (str(tmp_path / "environment"),))
    told: list[Sequence[str]] = []

    def tell(given: Sequence[str]) -> int:
        told.append(given)
        return 0

    monkeypatch.setitem(PROGRAMS, "first-boot", tell)
    assert main(["provision-agent", "first-boot", "failure", "-stage", "begin"]) == 0
    assert told == [["failure", "-stage", "begin"]]
    assert main(["provision-agent", "first-boot", "end"]) == 3
