"""Whole user-data documents in `cases/cloud-init`: what they come to, and what is said about which line.

A line that ends in `#! PV725` (or `#! PV725:info`) is where that diagnostic must be; all others have none. Beside a
document that has an output stands `<name>.json`. `#! target-os fedora` on a line of its own sets the option.
"""

import json
import re
from pathlib import Path

import pytest
from cloud_init_contents import content_of

from provision.record import source_map
from provision.transpile.author import Options
from provision.transpile.compile import Compiled, compile_document

CASES = Path(__file__).parents[1] / "cases" / "cloud-init"
VERDICT = re.compile(r"#! (PV\d{3}(?::\w+)?(?:, PV\d{3}(?::\w+)?)*)\s*$")
TARGET = re.compile(r"^#! target-os (\S+)$", re.M)
ALL = sorted(path for path in CASES.iterdir() if path.suffix != ".json")


def compiled(path: Path) -> Compiled:
    text = path.read_text()
    target = TARGET.search(text)
    return compile_document(text.encode(), path.name, Options(target_os=target[1] if target else None))


def verdicts(text: str) -> list[tuple[int, str, str]]:
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        verdict = VERDICT.search(line)
        for code in verdict[1].split(", ") if verdict else ():
            name, _, severity = code.partition(":")
            found.append((number, name, severity))
    return sorted(found)


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_a_document_gets_its_verdicts_and_its_output(path: Path) -> None:
    result = compiled(path)
    wanted = verdicts(path.read_text())
    open_ones = {(line, code) for line, code, severity in wanted if not severity}
    said = sorted(
        (found.span.line, found.code, "" if (found.span.line, found.code) in open_ones else found.severity)
        for found in result.diagnostics
    )
    assert result.release is not None
    assert result.release.dialect == "cloud-init"
    assert said == wanted, "\n".join(f"{found.span.line}: {found.code} {found.message}" for found in result.diagnostics)
    expected = path.with_suffix(".json")
    assert expected.exists() or wanted
    if expected.exists():
        assert json.loads(result.output()) == json.loads(expected.read_text())


def test_every_value_of_an_output_has_its_place_in_the_document() -> None:
    result = compiled(CASES / "everything.yaml")
    assert result.config is not None
    assert result.author is not None
    for leaf in source_map(result.config):
        place = result.author.place(leaf.record, leaf.row.name, leaf.item)
        found = result.author.document.diagnostic(place, "", "info", "")
        assert found.span.line > 2 or leaf.pointer == "/ignition/version", leaf.pointer


def test_a_later_file_of_the_same_path_replaces_an_earlier_one() -> None:
    text = "#cloud-config\ntimezone: UTC\nwrite_files:\n  - {path: /etc/a, content: one}\n  - {path: /etc/a, content: two}\n"
    result = compile_document(text.encode(), "a.yaml")
    assert not result.diagnostics
    assert result.config is not None
    assert [file.contents.source for file in result.config.storage.files] == ["data:,two"]


@pytest.mark.parametrize(
    ("system", "user", "command"),
    [
        ("fcos", "core", "rpm-ostree install"),
        ("fedora", "fedora", "dnf -y install"),
        ("ubuntu", "ubuntu", "apt-get -q -y"),
        ("debian", "debian", "apt-get -q -y"),
        ("opensuse", "opensuse", "zypper --non-interactive install"),
        ("opensuse-microos", "opensuse", "transactional-update"),
    ],
)
def test_the_system_decides_on_the_default_user_and_the_package_manager(system: str, user: str, command: str) -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJX7vRPTxSDfyqXy1ZG5RS+hFgnCVPHN6S+5qLnwVwJp"
    text = f"#cloud-config\npackages: [vim]\nssh_authorized_keys: [{key}]\n"
    result = compile_document(text.encode(), "a.yaml", Options(target_os=system))
    assert not result.diagnostics
    assert result.config is not None
    (account,) = result.config.passwd.users
    assert (account.name, account.ssh_authorized_keys) == (user, (key,))
    script = next(file for file in result.config.storage.files if file.path.endswith("/packages"))
    assert command in content_of(script)


@pytest.mark.parametrize(("system", "said"), [("flatcar", "no package manager"), (None, "--target-os"), ("bsd", "bsd")])
def test_packages_without_a_package_manager_are_an_error_with_advice(system: str | None, said: str) -> None:
    result = compile_document(b"#cloud-config\npackages: [vim]\n", "a.yaml", Options(target_os=system))
    assert {found.code for found in result.diagnostics} == {"PV733"}
    assert any(said in f"{found.message} {found.hint}" for found in result.diagnostics)
