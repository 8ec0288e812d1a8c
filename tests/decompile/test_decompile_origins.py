"""Sections stand as their author had them, and what was made for a key says which."""

from itertools import pairwise
from pathlib import Path

import pytest

from provision.decompile.files import decompiled
from provision.decompile.origins import CALLED, OWN
from provision.transpile.author import Options
from provision.transpile.compile import DEFAULTS, compile_document


def converted(text: str, options: Options = DEFAULTS) -> str:
    found = decompiled(compile_document(text.encode(), "x.yaml", options))
    assert found.text is not None, found.diagnostics
    return found.text


def sections(text: str) -> list[str]:
    """The keys of the document, and those of `storage`, in their order."""
    keys = [
        line.strip()
        for line in text.splitlines()
        if line[:2].strip() or (line.startswith("  ") and line[2:3].strip(" -#"))
    ]
    return [key.rstrip(":") for key in keys if key.endswith(":")]


CLC = """\
systemd:
  units:
    - name: a.service
      enabled: true
storage:
  files:
    - path: /a
      filesystem: root
      mode: 0644
  directories:
    - path: /b
      filesystem: root
      mode: 0755
passwd:
  users:
    - name: core
      ssh_authorized_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK3W8o16uz7pEGOFYSqHWTv5UeAut561OirEToaMIP7A a]
"""
CLOUD = """\
#cloud-config
hostname: a
users:
  - name: b
coreos:
  update:
    reboot-strategy: off
  units:
    - name: a.service
      command: start
    - name: b.service
      content: "[Service]\\nExecStart=/b\\n"
    - name: c.service
      command: start
    - name: d.network
      content: "[Match]\\nName=eth0\\n"
write_files:
  - path: /b
    content: b
"""


def test_sections_and_the_lists_of_storage_stand_as_in_the_source() -> None:
    assert sections(converted(CLC)) == ["systemd", "units", "storage", "files", "directories", "passwd", "users"]


def test_sections_made_of_several_keys_stand_where_their_own_items_came_from() -> None:
    assert sections(converted(CLOUD)) == ["passwd", "users", "systemd", "units", "storage", "files", "links"]


def test_json_has_no_order_of_its_own() -> None:
    text = converted('{"systemd": {"units": [{"name": "a.service", "enabled": true}]}, "storage": {"links": [{"path": "/a", "target": "b"}]}, "ignition": {"version": "3.3.0"}}')  # fmt: skip
    assert sections(text) == ["storage", "links", "systemd", "units"]


def test_what_was_made_for_a_key_says_which_and_what_is_the_authors_own_says_nothing() -> None:
    lines = converted(CLOUD).splitlines()
    above = {line.split(": ", 1)[1]: before.strip() for before, line in pairwise(lines) if line.strip().startswith("- ")}  # fmt: skip
    assert {name: said for name, said in above.items() if said.startswith("#")} == {
        "/etc/hostname": "# from hostname",
        "locksmithd.service": "# from coreos.update.reboot-strategy",
        "/etc/coreos/update.conf": "# from coreos.update",
        "/etc/systemd/network/d.network": "# from coreos.units",
        "/etc/systemd/system/multi-user.target.wants/a.service": "# from coreos.units.command: started at boot",
    }


def test_what_is_written_anew_at_boot_says_so_with_its_template() -> None:
    text = converted("#cloud-config\ncoreos:\n  etcd2:\n    name: a\n    listen-peer-urls: http://$private_ipv4:2380\n")
    assert "    # from coreos.etcd2\n    - name: etcd2.service\n" in text
    assert "        # from coreos.etcd2: written anew at boot by provision-render.service\n        - name: 20-" in text
    assert "    # filled in at boot by provision-render.service\n    - path: /etc/provision/templates/etc/" in text
    assert "    # run at boot by provision-render.service\n    - path: /etc/provision/render.sh\n" in text
    assert "    # fills in the templates below /etc/provision/templates at boot\n    - name: provision-render" in text


def test_a_file_of_the_author_that_is_written_anew_at_boot_says_so() -> None:
    text = converted("#cloud-config\nwrite_files:\n  - path: /etc/address\n    content: $private_ipv4\n")
    assert "    # written anew at boot by provision-render.service\n    - path: /etc/address\n" in text


def test_the_authors_own_comment_follows_and_names_the_command_that_it_was_beside() -> None:
    text = converted(
        "#cloud-config\nruncmd:\n  - echo a  # for the log\n  - [echo, b]  # once\n", Options(target_os="ubuntu")
    )
    assert "    # from runcmd\n    # echo a: for the log\n    # echo b: once\n    - path: " in text


def test_items_of_json_say_where_they_come_from_too() -> None:
    text = converted('{"ignition": {"version": "2.2.0"}, "networkd": {"units": [{"name": "a.network", "contents": "[Match]\\nName=e\\n"}]}}')  # fmt: skip
    assert "    # from networkd.units\n    - path: /etc/systemd/network/a.network\n" in text


@pytest.mark.parametrize(
    ("name", "path", "own"),
    [
        ("files", "storage.files[0]", True), ("files", "spec.config.storage.files[12]", True), ("files", "write_files[0]", True),
        ("files", "coreos.units[0]", False), ("files", "hostname", False), ("files", "storage.trees[0]", False),
        ("units", "coreos.units[3]", True), ("units", "coreos.units[3].command", False), ("units", "", False),
        ("filesystems", "storage.filesystems[0].mount", True), ("dropins", "coreos.units[0].drop_ins[1]", True),
        ("users", "users[0]", True), ("groups", "users[0].groups", False),
    ],
)  # fmt: skip
def test_an_item_is_the_authors_own_where_his_list_has_it(name: str, path: str, own: bool) -> None:
    assert (OWN[name].fullmatch(path) is not None) == own
    assert CALLED.keys() == OWN.keys()


def test_a_local_file_is_embedded_where_it_is_not_the_content_itself(tmp_path: Path) -> None:
    (tmp_path / "a.bu").write_text("variant: fcos\nversion: 1.4.0\n")
    merge = "variant: fcos\nversion: 1.4.0\nignition:\n  config:\n    merge:\n      - local: a.bu\n"
    assert 'inline: |\n          {"ignition":' in converted(merge, Options(str(tmp_path)))
    file = "variant: fcos\nversion: 1.4.0\nstorage:\n  files:\n    - path: /a\n      contents:\n        local: a.bu\n"
    assert "local: a.bu\n" in converted(file, Options(str(tmp_path)))
