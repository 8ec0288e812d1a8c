"""Programs and settings that a distribution may change: their names, and what the documents say of them."""

import re
from pathlib import Path

import pytest

from provision.apply.programs import PROGRAMS, SETTINGS, program, setting, variable

DOCUMENT = Path(__file__).parents[2] / "docs/applier.md"
ROW = re.compile(r"^\| `(PROVISION_\w+)` \| `([^`]*)` \|", re.M)


def test_the_documents_list_every_setting_with_its_default() -> None:
    assert dict(ROW.findall(DOCUMENT.read_text())) == SETTINGS


def test_no_two_programs_share_a_variable_or_have_that_of_a_setting() -> None:
    variables = [variable(name) for name in PROGRAMS]
    assert len({*variables, *SETTINGS}) == len(variables) + len(SETTINGS)


@pytest.mark.parametrize(
    ("name", "environ", "called"),
    [
        ("mkfs.xfs", {}, "mkfs.xfs"),
        ("mkfs.xfs", {"PROVISION_MKFS_XFS": "/opt/mkfs"}, "/opt/mkfs"),
        ("mkfs.xfs", {"PROVISION_MKFS_XFS": ""}, "mkfs.xfs"),
        ("zkey-cryptsetup", {"PROVISION_ZKEY_CRYPTSETUP": "z"}, "z"),
    ],
)
def test_a_variable_names_another_program(name: str, environ: dict[str, str], called: str) -> None:
    assert program(name, environ) == called


def test_an_empty_setting_counts_as_unset() -> None:
    assert setting("PROVISION_LUKS_KEY_DIR", {"PROVISION_LUKS_KEY_DIR": ""}) == "/etc/luks"
    assert setting("PROVISION_LUKS_KEY_DIR", {"PROVISION_LUKS_KEY_DIR": "/k"}) == "/k"


def test_only_known_programs_are_called() -> None:
    with pytest.raises(ValueError, match="not in programs"):
        program("rm", {})
