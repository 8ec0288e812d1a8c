"""Recording the facts of real directories: what is in the file, what never is, and that nothing is changed."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from machines import blank, config, data

from provision.apply.facts_file import from_json, to_json
from provision.apply.recording import View, record
from provision.apply.roots import Root
from provision.planning.forecast import forecast
from provision.planning.machine import Machine, recorded
from provision.planning.root import paths_asked

PASSWD = "root:x:0:0:root:/root:/bin/sh\ncore:x:1000:1000::/home/core:/bin/bash\n"
SECRET = "not-to-be-shown"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small root."""
    for folder in ("etc/app/deep", "home/core/.ssh/authorized_keys.d", "usr/share/x", "var/lib/y"):
        (tmp_path / folder).mkdir(parents=True)
    texts = {
        "etc/passwd": PASSWD, "etc/group": "root:x:0:\ncore:x:1000:\n", "etc/shadow": f"core:$6${SECRET}:1::::::\n",
        "etc/app/deep/a.conf": "a = 1\n", "etc/private.key": SECRET, "home/core/.ssh/id_ed25519": SECRET,
        "home/core/.ssh/authorized_keys.d/ignition": "ssh-ed25519 AAAA\n", "usr/share/x/file": "x",
    }  # fmt: skip
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    for name in ("etc/private.key", "home/core/.ssh/id_ed25519", "home/core/.ssh/authorized_keys.d/ignition"):
        (tmp_path / name).chmod(0o600)
    (tmp_path / "etc/shadow").chmod(0o644)  # wrong, and no reason to tell its hash
    (tmp_path / "etc/link").symlink_to("app/deep")
    os.link(tmp_path / "etc/app/deep/a.conf", tmp_path / "etc/again")
    return tmp_path


def nodes_of(root: Path, asked: Any = ()) -> dict[str, dict[str, Any]]:
    """The recorded nodes by path, as the file has them."""
    inside = Root(str(root))
    try:
        written = to_json(record([blank("/dev/sda", 1)], inside, asked))
    finally:
        inside.close()
    assert SECRET not in written.decode()
    for text in (SECRET, f"core:$6${SECRET}:1::::::\n"):
        assert hashlib.sha512(text.encode()).hexdigest() not in written.decode() or asked
    assert from_json(written, "x").root is not None
    return {node["path"]: node for node in json.loads(written)["root"]["nodes"]}


def test_etc_is_recorded_with_all_below_it(root: Path) -> None:
    nodes = nodes_of(root)
    found = nodes["/etc/app/deep/a.conf"]
    assert found["sha512"] == hashlib.sha512(b"a = 1\n").hexdigest()
    assert (found["kind"], found["mode"], found["size"]) == ("file", "0644", 6)
    assert nodes["/etc/app"]["listed"]
    assert (nodes["/etc/link"]["kind"], nodes["/etc/link"]["target"]) == ("link", "app/deep")
    assert found["identity"] == nodes["/etc/again"]["identity"]
    assert "identity" not in nodes["/etc/passwd"]


def test_no_hash_is_recorded_of_what_is_secret_or_private(root: Path) -> None:
    nodes = nodes_of(root)
    for path in ("/etc/shadow", "/etc/private.key", "/home/core/.ssh/id_ed25519"):
        assert "sha512" not in nodes[path], path
        assert "sha256" not in nodes[path], path
    assert "sha512" in nodes["/home/core/.ssh/authorized_keys.d/ignition"]


def test_other_places_are_only_listed(root: Path) -> None:
    nodes = nodes_of(root)
    assert nodes["/var/lib"]["listed"]
    assert "/usr/share/x" not in nodes
    assert "listed" not in nodes["/usr/share"]


def test_what_is_asked_for_is_recorded_wherever_it_is_but_never_the_hashes_of_passwords(root: Path) -> None:
    nodes = nodes_of(root, ("/usr/share/x/file", "/usr/share/none", "/etc/private.key", "/etc/shadow"))
    assert nodes["/usr/share/x/file"]["sha512"] == hashlib.sha512(b"x").hexdigest()
    assert nodes["/usr/share/none"]["kind"] == "missing"
    assert "sha512" in nodes["/etc/private.key"]
    assert "sha512" not in nodes["/etc/shadow"]


def test_recording_for_a_config_leaves_no_gap(root: Path) -> None:
    wanted = config(
        storage={"files": [
            {"path": "/usr/share/x/file", "contents": data("x")}, {"path": "/usr/lib/new/y", "contents": data("y")},
            {"path": "/etc/private.key", "mode": 0o600, "contents": data(SECRET)},
        ]},
        passwd={"users": [{"name": "core", "sshAuthorizedKeys": ["ssh-ed25519 AAAA"]}]},
    )  # fmt: skip
    inside = Root(str(root))
    try:
        machine = Machine("", (), View(inside).facts(), "/", (), list)
        facts = record([], inside, paths_asked(wanted, machine))
        bare = record([], inside)
    finally:
        inside.close()
    made = forecast(wanted, recorded(from_json(to_json(facts), "x"), "x"))
    assert made.notes == ()
    assert [plan.action for plan in made.nodes] == ["keep", "make", "keep"] or os.geteuid() != 0
    assert any("not recorded" in note for note in forecast(wanted, recorded(bare, "x")).notes)


def test_links_out_of_the_root_are_not_followed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "file").write_text(SECRET)
    (root / "etc/out").symlink_to(outside)
    (root / "opt").symlink_to(outside)
    nodes = nodes_of(root)
    assert (nodes["/etc/out"]["kind"], nodes["/opt"]["kind"]) == ("link", "link")
    assert not any(path.endswith("/file") for path in nodes)


def test_a_folder_with_too_much_in_it_is_cut_and_said(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provision.apply.recording.MAX_NODES", 40)
    for number in range(60):
        (root / f"etc/app/{number}").touch()
    inside = Root(str(root))
    try:
        facts = record([], inside)
    finally:
        inside.close()
    assert facts.root is not None
    assert len(facts.root.nodes) <= 60
    assert any("too much to record: /etc/app" in remark for remark in facts.remarks)
    assert not next(node for node in facts.root.nodes if node.path == "/etc/app").listed


def test_pipes_and_sockets_are_not_opened(root: Path) -> None:
    os.mkfifo(root / "etc/pipe")
    assert nodes_of(root)["/etc/pipe"]["kind"] == "other"


def test_devices_that_cannot_be_read_are_a_remark() -> None:
    closed = [blank(path, 1).changed(remark="its content is unknown: no") for path in ("/dev/sda", "/dev/sdb")]
    assert record(closed, None).remarks == ("/dev/sda, /dev/sdb: its content is unknown: no",)
