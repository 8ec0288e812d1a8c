"""User-data documents as a whole: places, repeated files, and what the system decides."""

from pathlib import Path

import pytest
from cloud_init_contents import content_of

from provision.record import source_map
from provision.transpile.author import Options
from provision.transpile.compile import compile_document

CASES = Path(__file__).parents[1] / "cases" / "cloud-init"


def test_every_value_of_an_output_has_its_place_in_the_document() -> None:
    data = (CASES / "everything.yaml").read_bytes()
    result = compile_document(data, "everything.yaml", Options(target_os="fedora"))
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
