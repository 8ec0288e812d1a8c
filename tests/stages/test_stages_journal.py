"""A run that is cut off at any operation, and the one that goes on: in the end all is as if nothing had happened."""

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from stages_machine import Ended, Json, Machine, as_root, data_url, machine, names_below

from provision.apply import journal as journals
from provision.apply.first_facts import MAX_KEPT_BYTES
from provision.diagnostics import ProvisionError

__all__ = ["machine"]

JOURNAL = "etc/.provision-journal"
# Larger than what the journal keeps of a file.
LONG = b"a line of a log\n" * (MAX_KEPT_BYTES // 16 + 1)


def config(**sections: Any) -> Json:
    """A bit of everything that a run does to a root."""
    return {
        "storage": {
            "directories": [{"path": "/srv/data", "mode": 0o750}, {"path": "/old", "overwrite": True}],
            "files": [
                {"path": "/etc/motd", "append": [{"source": data_url(b"added\n")}]},
                {"path": "/var/log/long", "append": [{"source": data_url(b"the end\n")}]},
                {"path": "/srv/data/a", "contents": {"source": data_url(b"a")}, "mode": 0o600},
                {"path": "/etc/issue", "contents": {"source": data_url(b"new")}, "overwrite": True},
            ],
            "links": [
                {"path": "/etc/link", "target": "motd"},
                {"path": "/srv/data/b", "target": "/srv/data/a", "hard": True},
            ],
        },
        "systemd": {"units": [{"name": "a.service", "enabled": True, "contents": "[Service]\nExecStart=/bin/true\n"}]},
        **sections,
    }


def furnish(machine: Machine) -> None:
    """What the root holds before."""
    root = machine.root
    (root / "etc/motd").write_text("hello\n")
    (root / "etc/issue").write_text("old\n")
    (root / "var/log").mkdir(parents=True)
    (root / "var/log/long").write_bytes(LONG)
    (root / "old/inner").mkdir(parents=True)
    (root / "old/inner/file").write_text("x")


def tree(folder: Path) -> dict[str, tuple[object, ...]]:
    """All below a folder: kind, mode, owner, content; the result file without what tells one boot from another."""
    found: dict[str, tuple[object, ...]] = {}
    for name in names_below(folder):
        path = folder / name
        status = path.lstat()
        content: str | bytes = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        if name == "etc/.ignition-result.json":
            report = json.loads(content)
            content = json.dumps({key: report[key] for key in report if not key.startswith("provisioning")})
        found[name] = (status.st_mode, status.st_uid, status.st_gid, status.st_nlink, content)
    return found


class Undisturbed:
    """What a run that nothing disturbs leaves, and of how many operations it is."""

    def __init__(self, folder: Path, wanted: Json) -> None:
        folder.mkdir()
        machine = Machine(folder)
        furnish(machine)
        ended = machine.run("fetch,mount,files", config=wanted)
        assert ended.status == 0, ended.said
        self.tree = tree(machine.root)
        self.operations = ended.stdout.count("[started]  ")


def cut(machine: Machine, number: int, when: str, wanted: Json) -> Ended:
    """A run that is killed at an operation."""
    ended = machine.run("fetch,mount,files", config=wanted, PROVISION_FAULT=f"files:{number}:{when}")
    assert ended.status == -signal.SIGKILL, ended.said
    return ended


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_that_is_cut_off_at_any_operation_is_completed(when: str, tmp_path: Path) -> None:
    wanted = config()
    undisturbed = Undisturbed(tmp_path / "undisturbed", wanted)
    assert undisturbed.operations >= 10
    for number in range(1, undisturbed.operations + 1):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        machine = Machine(folder)
        furnish(machine)
        cut(machine, number, when, wanted)
        assert (machine.root / JOURNAL).stat().st_mode & 0o777 == 0o600
        # The state and the cache are on a tmpfs, which the power took along.
        machine.cache.unlink()
        machine.state.unlink()
        ended = machine.run("fetch,mount,files")
        assert ended.status == 0, ended.said
        assert tree(machine.root) == undisturbed.tree, f"cut {when} operation {number}"
        shutil.rmtree(folder)


@as_root
@pytest.mark.parametrize("when", ["before", "after"])
def test_users_are_completed_too(when: str, tmp_path: Path) -> None:
    users = [
        {"name": "core", "passwordHash": "$y$j9T$x", "sshAuthorizedKeys": ["ssh-ed25519 AAAA a"], "groups": ["ops"]},
        {"name": "app", "homeDir": "/srv/app"},
    ]
    wanted = config(passwd={"groups": [{"name": "ops"}], "users": users})
    undisturbed = Undisturbed(tmp_path / "undisturbed", wanted)
    # Group, user, password; the fourth writes keys and touches none of the databases; another user.
    for number in (1, 2, 3, 5):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        machine = Machine(folder)
        furnish(machine)
        cut(machine, number, when, wanted)
        # What programs leave that are killed with the run.
        for left in ("passwd.lock", "shadow.1234", "group+"):
            (machine.root / "etc" / left).write_text("1\n")
        ended = machine.run("fetch,mount,files")
        assert ended.status == 0, ended.said
        found = {name: rows for name, rows in tree(machine.root).items() if "." not in name.rpartition("/")[2][1:]}
        expected = {name: undisturbed.tree[name] for name in found}
        assert found.keys() == {name for name in undisturbed.tree if "." not in name.rpartition("/")[2][1:]}
        assert found == expected, f"cut {when} operation {number}"
        assert not {"passwd.lock", "group+"} & set(os.listdir(machine.root / "etc"))


def test_what_is_finished_is_not_done_again(machine: Machine) -> None:
    furnish(machine)
    wanted = config()
    number = Undisturbed(machine.folder / "undisturbed", wanted).operations
    cut(machine, number, "before", wanted)
    # Somebody changes a file that the first run has finished: it stays as it is now.
    (machine.root / "srv/data/a").write_text("changed since")
    ended = machine.run("fetch,mount,files")
    assert ended.status == 0, ended.said
    assert (machine.root / "srv/data/a").read_text() == "changed since"


def test_the_journal_is_gone_when_all_is_done(machine: Machine) -> None:
    furnish(machine)
    assert machine.run("fetch,mount,files", config=config()).status == 0
    assert not (machine.root / JOURNAL).exists()


def test_a_root_without_etc_has_its_journal_at_the_top(machine: Machine) -> None:
    shutil.rmtree(machine.root / "etc")
    wanted = {"storage": {"files": [{"path": f"/etc/{name}", "contents": {"source": data_url(b"x")}} for name in "ab"]}}
    cut(machine, 3, "before", wanted)
    assert (machine.root / ".provision-journal").exists()
    ended = machine.run("fetch,mount,files")
    assert ended.status == 0, ended.said
    assert names_below(machine.root) == ["etc", "etc/.ignition-result.json", "etc/a", "etc/b"]


def test_another_config_has_its_own_files_written(machine: Machine) -> None:
    first = {"storage": {"files": [{"path": "/etc/a", "contents": {"source": data_url(b"one")}}, {"path": "/etc/z"}]}}
    cut(machine, 2, "before", first)
    assert (machine.root / "etc/a").read_text() == "one"
    second = {"storage": {"files": [{"path": "/etc/a", "contents": {"source": data_url(b"two")}}]}}
    ended = machine.run("fetch,mount,files", config=second)
    assert ended.status == 0, ended.said
    assert "had another config" in ended.stdout
    assert (machine.root / "etc/a").read_text() == "two"


def test_the_journal_of_another_machine_is_refused(machine: Machine) -> None:
    furnish(machine)
    cut(machine, 4, "before", config())
    path = machine.root / JOURNAL
    journal = journals.parse(str(path), path.read_bytes())
    header = journal.header | {"machine": "4C4C4544-0033-4210-8034-B3C04F333832"}
    rest = path.read_bytes().split(b"\n", 1)[1]
    path.write_bytes(journals.line_of({"begin": header}) + rest)
    before = tree(machine.root)
    ended = machine.run("fetch,mount,files")
    if not journals.machine_id():
        pytest.skip("this machine has no id to compare")
    assert ended.status == 1
    assert "the journal of another machine's first boot (4C4C4544-" in ended.block["cause"]
    assert tree(machine.root) == before


def test_a_damaged_journal_is_refused_and_a_torn_end_is_not(machine: Machine) -> None:
    furnish(machine)
    cut(machine, 4, "before", config())
    path = machine.root / JOURNAL
    whole = path.read_bytes()
    path.write_bytes(whole[:40])
    ended = machine.run("fetch,mount,files")
    assert ended.status == 1
    assert "it is damaged; remove it to have the first boot begin anew" in ended.block["cause"]
    path.write_bytes(whole[:-5])
    assert machine.run("fetch,mount,files").status == 0


def test_every_beginning_of_a_journal_is_read_as_what_was_written_before(machine: Machine) -> None:
    furnish(machine)
    cut(machine, 6, "before", config())
    content = (machine.root / JOURNAL).read_bytes()
    lines = content.splitlines(keepends=True)
    for length in range(len(lines[0]), len(content)):
        journal = journals.parse("/x", content[:length])
        whole = 1
        while sum(map(len, lines[: whole + 1])) <= length:
            whole += 1
        assert journal.length == sum(map(len, lines[:whole]))
    for length in (0, 1, len(lines[0]) - 1):
        with pytest.raises(ProvisionError, match="damaged"):
            journals.parse("/x", content[:length])
