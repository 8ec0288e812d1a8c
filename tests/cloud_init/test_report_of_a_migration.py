"""`provision report`: every field of a document, with what became of it."""

import json
from pathlib import Path

import pytest
from cloud_init_contents import compiled

from provision.migration import print_report, report_of
from provision.migration.entries import Entry
from provision.migration.table import print_table
from provision.transpile.author import Options
from provision.transpile.compile import compile_document

TEXT = """#cloud-config
hostname: web
users:
  - name: ada
    gecos: Ada
    expiredate: "2030-01-01"
    shel: /bin/zsh
runcmd:
  - echo hi
output: {all: x}
snap:
  commands: [a]
write_files:
  - path: /etc/a
    content: a
  - path: /etc/b
    permissions: rw
"""


def marks(text: str) -> dict[str, str]:
    return {entry.path: entry.mark for entry in report_of(compiled(text)).entries}


def test_every_field_is_exact_by_a_unit_or_lost() -> None:
    assert marks(TEXT) == {
        "hostname": "exact",
        "users[0].name": "exact",
        "users[0].gecos": "exact",
        "users[0].expiredate": "unit",
        "users[0].shel": "lost",
        "runcmd": "unit",
        "output": "lost",
        "snap": "lost",
        "write_files[0].path": "exact",
        "write_files[0].content": "exact",
        "write_files[1].path": "exact",
        "write_files[1].permissions": "lost",
    }


def test_fields_stand_in_the_order_of_the_document_with_their_lines() -> None:
    entries = report_of(compiled(TEXT)).entries
    assert [entry.line for entry in entries] == sorted(entry.line for entry in entries)
    assert next(entry for entry in entries if entry.path == "users[0].shel").line == 7


def test_what_is_done_by_a_unit_names_it() -> None:
    entries = {entry.path: entry for entry in report_of(compiled(TEXT)).entries}
    assert entries["runcmd"].how == "by cloud-init-runcmd.service"
    assert entries["snap"].how == "snapd is no part of the system"


def test_the_parts_of_an_archive_are_fields_too() -> None:
    text = "#cloud-config-archive\n- |\n  #cloud-config\n  timezone: UTC\n- |\n  #!/bin/sh\n  echo\n"
    assert report_of(compiled(text)).entries == [
        Entry("timezone", 4, "exact", "link /etc/localtime"),
        Entry("(text)", 6, "unit", "by cloud-init-scripts-1.service"),
    ]


def test_a_butane_document_is_exact_but_for_unknown_keys() -> None:
    text = "variant: fcos\nversion: 1.6.0\nstorage:\n  files:\n    - path: /etc/a\n      mod: 0644\n      mode: 0644\n"
    found = report_of(compile_document(text.encode(), "a.bu"))
    assert [(entry.path, entry.mark) for entry in found.entries] == [
        ("variant", "exact"),
        ("version", "exact"),
        ("storage.files[0].path", "exact"),
        ("storage.files[0].mod", "lost"),
        ("storage.files[0].mode", "exact"),
    ]


def test_a_document_that_cannot_be_read_has_no_fields() -> None:
    found = report_of(compile_document(b"#cloud-config\n[", "a.yaml"))
    assert found.entries == []
    assert found.counts == {"exact": 0, "unit": 0, "lost": 0}


@pytest.mark.parametrize("as_json", [False, True])
def test_the_report_is_printed_with_its_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    path = tmp_path / "user-data"
    path.write_text(TEXT)
    result = print_report(str(path), Options(), as_json)
    assert result.failed
    out = capsys.readouterr().out
    if as_json:
        found = json.loads(out)
        assert found["summary"] == {"exact": 6, "unit": 2, "lost": 4}
        assert found["dialect"] == "cloud-init"
        assert found["fields"][0] == {"path": "hostname", "line": 2, "mark": "exact", "how": "/etc/hostname"}
        assert found["remarks"] == []
    else:
        assert "12 fields, 6 exact, 2 by a unit, 4 lost" in " ".join(out.split())
        assert (
            "users[0] user ada 4 name exact 5 gecos exact 6 expiredate by a unit by cloud-init-users.service"
            in " ".join(out.split())
        )
        assert all(len(line) <= 80 for line in out.splitlines()[:-1])


def test_what_is_carried_says_where_it_went() -> None:
    text = """#cloud-config
users:
  - {name: ada, gecos: Ada, sudo: "ALL=(ALL) ALL"}
ssh_pwauth: true
ntp: {servers: [a.example.com]}
locale: de_DE.UTF-8
"""
    assert {entry.path: entry.how for entry in report_of(compiled(text)).entries} == {
        "users[0].name": "user ada",
        "users[0].gecos": "user ada",
        "users[0].sudo": "/etc/sudoers.d/90-cloud-init-users",
        "ssh_pwauth": "/etc/ssh/sshd_config.d/20-cloud-init.conf",
        "ntp.servers": "/etc/chrony.conf, chronyd.service",
        "locale": "/etc/locale.conf: the image must have the locale; none is generated",
    }


def test_what_holds_for_the_whole_document_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    text = b"#cloud-config\ncoreos:\n  etcd2:\n    name: a\n    data_dir: /var/a\n  units:\n    - {name: a.service, enable: true, content: a}\n"
    found = report_of(compile_document(text, "a.yaml"))
    assert found.remarks == ["done once, on first boot; coreos-cloudinit did it again at every boot"]
    assert [entry.how for entry in found.entries[:2]] == ["etcd2.service.d/20-cloudinit.conf"] * 2
    print_table(found, 80)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:4] == [
        "      coreos.etcd2              etcd2.service.d/20-cloudinit.conf",
        "   4    name           exact",
        "   5    data_dir       exact",
    ]
    assert lines[-1] == found.remarks[0]
