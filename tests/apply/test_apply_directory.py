"""The applier on real directories, as root and not: what is left there, and what nothing can make it do."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from apply_fakes import GROUP, PASSWD, SHADOW, Tree, config, data, storage, tree

import provision
from provision.apply.directory import apply_plan, check_root, plan_directory, preview_plan
from provision.apply.operations.nodes import MakeDirectory, Remove, WriteFile
from provision.apply.operations.users import WriteAuthorizedKeys
from provision.apply.programs import FRAGMENT_VARIABLE
from provision.apply.runner import Result
from provision.apply.system import TEMPORARY, Machine
from provision.contents import sha512
from provision.diagnostics import ProvisionError
from provision.ignition import Config

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
NOBODY = 65534


def apply(wanted: Config, root: Path) -> Result[Any]:
    return apply_plan(plan_directory(wanted, str(root)), lambda step: None)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with users and groups, beside a directory that is none of its business."""
    made = tmp_path / "root"
    (made / "etc").mkdir(parents=True)
    (made / "etc/passwd").write_text(PASSWD)
    (made / "etc/group").write_text(GROUP)
    (made / "etc/shadow").write_text(SHADOW)
    (made / "etc/login.defs").write_text("USERGROUPS_ENAB yes\n")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/precious").write_text("precious")
    return made


EVERYTHING = config(
    storage={
        "directories": [{"path": "/srv/d", "mode": 0o3750}, {"path": "/etc", "mode": 0o711}],
        "files": [
            {"path": "/srv/d/a", "contents": data("a"), "mode": 0o4600},
            {"path": "/srv/d/b", "contents": data("b"), "append": [data("c")], "overwrite": True},
            {"path": "/srv/d/" + "n" * 255, "contents": {"source": "data:;base64," + "AAAA" * 100_000}},
            {"path": "/etc/motd"},
        ],
        "links": [
            {"path": "/srv/l", "target": "../outside"},
            {"path": "/srv/h", "target": "/srv/d/a", "hard": True},
            {"path": "/srv/hl", "target": "/srv/l", "hard": True},
        ],
    },
    systemd={
        "units": [
            {
                "name": "a.service",
                "enabled": True,
                "contents": "[Unit]\n",
                "dropins": [{"name": "x.conf", "contents": ""}],
            },
            {"name": "b.service", "mask": True},
        ]
    },
)


def test_everything_lands_where_it_should_and_a_second_run_changes_nothing(root: Path) -> None:
    apply(EVERYTHING, root)
    first = tree(str(root))
    me = (os.geteuid(), os.getegid())
    assert first["srv/d"] == ("directory", "0o3750", me)
    assert first["srv/d/a"] == ("file", "0o4600", me, sha512(b"a")[:16])
    assert first["srv/d/b"] == ("file", "0o644", me, sha512(b"bc")[:16])
    assert first["etc"] == ("directory", "0o711", me)
    assert first["srv/l"] == first["srv/hl"] == ("link", "../outside", me)
    assert first["etc/systemd/system/b.service"] == ("link", "/dev/null", me)
    assert first["srv/d/" + "n" * 255][3] == sha512(bytes(300_000))[:16]
    assert os.path.samefile(root / "srv/h", root / "srv/d/a")
    times = {path: os.lstat(root / path).st_ctime_ns for path in first}
    assert apply(EVERYTHING, root).executed == ()
    assert tree(str(root)) == first
    assert {path: os.lstat(root / path).st_ctime_ns for path in first} == times


def test_overwrite_replaces_whatever_is_there(root: Path) -> None:
    for name in ("file", "dir"):
        (root / f"srv/{name}/deep/er").mkdir(parents=True)
        (root / f"srv/{name}/deep/link").symlink_to("er")
        (root / f"srv/{name}/deep/x").write_text("x")
    wanted = storage(
        directories=[{"path": "/srv/dir", "overwrite": True}],
        files=[{"path": "/srv/file", "contents": data("new"), "overwrite": True}],
    )
    apply(wanted, root)
    assert os.listdir(root / "srv/dir") == []
    assert (root / "srv/file").read_text() == "new"


# ---- nothing leads out of the root ----------------------------------------------------------------------------------


def chain(root: Path, outside: Path, *targets: str) -> None:
    """/way -> way1 -> way2 …, each link pointing where it is told; {out} is the directory outside."""
    for i, target in enumerate(targets):
        os.symlink(target.format(out=outside), root / ("way" if i == 0 else f"way{i}"))


ESCAPES: dict[str, tuple[str, ...]] = {
    "an absolute link": ("{out}",),
    "a relative link": ("../outside",),
    "many steps up": ("../../../../../../../../../../{out}",),
    "two absolute links": ("/way1", "{out}"),
    "absolute, then relative": ("/way1", "../outside"),
    "relative, then absolute": ("way1", "/way2", "{out}"),
    "up through a link to the root": ("way1/../outside", "/"),
    "up from below": ("etc/../../outside",),
    "dots and slashes": (".//.././/../outside/./",),
    "through /proc": ("/proc/self/root/{out}",),
    "through a descriptor": ("/proc/self/fd/../cwd/{out}",),
    "a long chain": (*(f"/way{i}" for i in range(1, 30)), "{out}"),
}


@pytest.mark.parametrize("targets", ESCAPES.values(), ids=ESCAPES.keys())
def test_no_link_leads_out_of_the_root(targets: tuple[str, ...], root: Path) -> None:
    outside = root.parent / "outside"
    chain(root, outside, *targets)
    before = tree(str(outside))
    wanted = storage(
        directories=[{"path": "/way/made", "mode": 0o777}],
        files=[
            {"path": "/way/precious", "contents": data("lost"), "overwrite": True},
            {"path": "/way/new", "append": [data("lost")]},
        ],
        links=[{"path": "/way/link", "target": "x"}, {"path": "/hard", "target": "/way/precious", "hard": True}],
    )
    with_units = config(
        systemd={"units": [{"name": "../../../../way/u.service", "contents": "[Unit]\n", "enabled": True}]}
    )
    for part in (wanted, with_units):
        apply(part, root)
    assert tree(str(outside)) == before
    assert (root / "hard").read_text() == "lost"


@pytest.mark.parametrize("place", ["etc/systemd", "etc/systemd/system", "etc/systemd/system-preset"])
def test_units_stay_inside_too(place: str, root: Path) -> None:
    outside = root.parent / "outside"
    before = tree(str(outside))
    (root / place).parent.mkdir(parents=True, exist_ok=True)
    (root / place).symlink_to(outside)
    apply(config(systemd={"units": [{"name": "a.service", "contents": "[Unit]\n", "enabled": True}]}), root)
    assert tree(str(outside)) == before


def test_a_preset_file_that_is_a_link_is_refused(root: Path) -> None:
    precious = root.parent / "outside/precious"
    (root / "etc/systemd/system-preset").mkdir(parents=True)
    (root / "etc/systemd/system-preset/20-ignition.preset").symlink_to(precious)
    with pytest.raises(ProvisionError, match="preset is a symbolic link"):
        apply(config(systemd={"units": [{"name": "a.service", "enabled": True}]}), root)
    assert precious.read_text() == "precious"


def test_removing_a_tree_does_not_follow_links(root: Path) -> None:
    outside = root.parent / "outside"
    (root / "srv/d").mkdir(parents=True)
    (root / "srv/d/dir").symlink_to(outside)
    (root / "srv/d/file").symlink_to(outside / "precious")
    apply(storage(directories=[{"path": "/srv", "overwrite": True}]), root)
    assert tree(str(root / "srv")) == {}
    assert (outside / "precious").read_text() == "precious"


@pytest.mark.parametrize(
    "operation",
    [
        WriteFile(path="/d/new", blob=sha512(b"x"), size=1, mode=0o644),
        MakeDirectory(path="/d/new"),
        Remove(path="/d/precious"),
    ],
    ids=["write", "make", "remove"],
)
def test_a_link_slipped_in_after_planning_is_not_followed(operation: Any, root: Path) -> None:
    outside = root.parent / "outside"
    before = tree(str(outside))
    machine = Machine(str(root), {sha512(b"x"): b"x"})
    (root / "d").symlink_to(outside)
    with suppress(OSError):
        operation.execute(machine)
    machine.close()
    assert tree(str(outside)) == before


# ---- cut off and refused --------------------------------------------------------------------------------------------


class Killed(BaseException):
    """What ends a run as a kill signal does."""


CALLS = ("open", "write", "fchmod", "rename", "mkdir", "symlink", "link", "unlink")


def killed_at(monkeypatch: pytest.MonkeyPatch, name: str, count: int) -> None:
    """Have the n-th call of a function of `os` that is made from here on be the last."""
    left = [count]
    original = getattr(os, name)

    def call(*arguments: Any, **options: Any) -> Any:
        if left[0] == 0:
            raise Killed
        left[0] -= 1
        return original(*arguments, **options)

    monkeypatch.setattr(os, name, call)


@pytest.mark.parametrize("name", CALLS)
def test_a_run_cut_off_at_any_call_is_completed_by_the_next(
    name: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(root, whole)
    apply(EVERYTHING, whole)
    expected = tree(str(whole))
    for count in range(60):
        target = tmp_path / f"{count}"
        shutil.copytree(root, target)
        plan = plan_directory(EVERYTHING, str(target))
        with monkeypatch.context() as patched:
            killed_at(patched, name, count)
            try:
                apply_plan(plan, lambda step: None)
            except Killed:
                pass
            else:
                break
        complete_files_only(tree(str(target)), expected)
        apply(EVERYTHING, target)
        assert tree(str(target)) == expected
    else:
        pytest.fail(f"more than 60 calls of os.{name}")


def complete_files_only(found: Tree, expected: Tree) -> None:
    """A target file is there whole or not at all, whenever the run ends."""
    for path, node in found.items():
        if node[0] == "file" and not path.endswith(TEMPORARY):
            assert node == expected[path]


def test_what_a_killed_run_left_behind_is_cleared_away(root: Path) -> None:
    (root / "etc" / TEMPORARY).write_text("half a file")
    apply(storage(files=[{"path": "/etc/a", "contents": data("a")}]), root)
    assert not (root / "etc" / TEMPORARY).exists()
    assert (root / "etc/a").read_text() == "a"


def test_a_hash_that_does_not_match_leaves_nothing_written(root: Path) -> None:
    before = tree(str(root))
    tampered = {**data("tampered"), "verification": {"hash": "sha512-" + "0" * 128}}
    wanted = storage(
        files=[{"path": "/etc/good", "contents": data("good")}, {"path": "/etc/bad", "contents": tampered}]
    )
    with pytest.raises(ProvisionError, match="/etc/bad: contents: the content has the sha512 hash"):
        apply(wanted, root)
    assert tree(str(root)) == before


@pytest.mark.parametrize("content", ["short", "x" * 10_000])
def test_new_content_is_closed_to_others_until_it_is_complete(
    content: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = []
    write = os.write

    def look_and_write(fd: int, piece: Any) -> int:
        modes.append(os.fstat(fd).st_mode & 0o777)
        return write(fd, piece[:3000])

    monkeypatch.setattr(os, "write", look_and_write)
    apply(storage(files=[{"path": "/etc/a", "contents": data(content)}]), root)
    assert set(modes) == {0o600}
    assert (root / "etc/a").read_text() == content


def test_a_failed_write_leaves_no_temporary_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int, piece: Any) -> int:
        raise OSError(28, "No space left on device")

    before = tree(str(root))
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(ProvisionError, match="No space left on device"):
        apply(storage(files=[{"path": "/etc/a", "contents": data("a")}]), root)
    assert tree(str(root)) == before


# ---- roots ----------------------------------------------------------------------------------------------------------


def test_a_root_must_be_a_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name in ("missing", "file"):
        with pytest.raises(ProvisionError) as caught:
            plan_directory(Config(), str(tmp_path / name))
        assert caught.value.exit_code == 2


@pytest.mark.parametrize("spelling", ["/", "/etc/..", "/proc/self/root"])
def test_the_running_system_must_be_confirmed(spelling: str, root: Path) -> None:
    with pytest.raises(ProvisionError, match="--yes") as caught:
        check_root(spelling, yes=False)
    assert caught.value.exit_code == 2
    check_root(spelling, yes=True)
    check_root(str(root), yes=False)


def test_more_directories_than_may_be_open_are_written(root: Path) -> None:
    files = [{"path": f"/srv/{i % 400}/f{i}", "contents": data(str(i))} for i in range(1200)]
    apply(storage(files=files), root)
    assert all((root / f"srv/{i % 400}/f{i}").read_text() == str(i) for i in range(1200))


def test_a_path_as_deep_as_the_kernel_takes_is_written(root: Path) -> None:
    path = "/srv" + "/d" * 2000 + "/f"
    apply(storage(files=[{"path": path, "contents": data("deep")}]), root)
    assert apply(storage(files=[{"path": path, "contents": data("deep")}]), root).executed == ()
    subprocess.run(["rm", "-rf", str(root / "srv")], check=True)


def test_names_that_are_no_utf8_do_not_disturb(root: Path) -> None:
    os.mkdir(os.fsencode(root / "srv"))
    os.symlink(b"\xff\xfe", os.fsencode(root / "srv") + b"/l")
    with pytest.raises(ProvisionError, match="/srv/l: a symbolic link is there already"):
        apply(storage(files=[{"path": "/srv/l"}]), root)


# ---- dry runs -------------------------------------------------------------------------------------------------------


def test_a_dry_run_shows_changes_and_writes_nothing(root: Path) -> None:
    for name, content in {"text": "a\nb\n", "key": "-----BEGIN PRIVATE KEY-----\n", "same": "x"}.items():
        (root / "etc" / name).write_text(content)
    (root / "etc/secret").write_text("old secret")
    (root / "etc/secret").chmod(0o640)
    (root / "etc/binary").write_bytes(b"\0\xff")
    before = tree(str(root))
    wanted = storage(
        files=[
            {"path": f"/etc/{name}", "contents": data("a\nc\x1b[2J\n"), "overwrite": True}
            for name in ("text", "key", "secret", "binary", "new")
        ]
    )
    lines = list(preview_plan(plan_directory(wanted, str(root))))
    assert tree(str(root)) == before
    text = "\n".join(lines)
    assert "  --- a/etc/text\n  +++ b/etc/text\n  @@ -1,2 +1,2 @@\n   a\n  -b\n  +c\\x1b[2J\n" in text
    assert "PRIVATE" not in text
    assert "old secret" not in text
    assert text.count("content not shown") == 2
    assert "(no diff: 2 bytes become 8)" in text
    assert sum(line.startswith("write /etc/new") for line in lines) == 1


def test_a_dry_run_shows_presets_as_a_diff(root: Path) -> None:
    preset = root / "etc/systemd/system-preset/20-ignition.preset"
    preset.parent.mkdir(parents=True)
    preset.write_text("enable x.service")
    wanted = config(systemd={"units": [{"name": "a.service", "enabled": True}]})
    lines = list(preview_plan(plan_directory(wanted, str(root))))
    assert "  +enable a.service" in lines
    apply(wanted, root)
    assert preset.read_text() == "enable x.service\nenable a.service\n"


# ---- users, for real ------------------------------------------------------------------------------------------------

USERS = config(
    passwd={
        "groups": [{"name": "staff", "gid": 1500, "passwordHash": "$6$group"}, {"name": "wheel", "gid": 11}],
        "users": [
            {
                "name": "core", "uid": 1600, "gecos": "A B", "groups": ["wheel", "staff"], "homeDir": "/home/c",
                "passwordHash": "$6$abc$def", "sshAuthorizedKeys": ["ssh-ed25519 AAAA one", "ssh-ed25519 AAAA two"],
            },
            {"name": "daemon", "system": True, "noCreateHome": True, "passwordHash": "", "primaryGroup": "staff"},
            {"name": "-x", "shouldExist": False},
        ],
    },
    storage={"files": [{"path": "/home/c/.config/x", "user": {"name": "core"}, "group": {"name": "core"}}]},
)  # fmt: skip


@as_root
def test_users_and_groups_are_made_and_a_second_run_changes_nothing(root: Path) -> None:
    apply(USERS, root)
    passwd = (root / "etc/passwd").read_text()
    shadow = (root / "etc/shadow").read_text()
    assert "core:x:1600:1600:A B:/home/c:" in passwd
    assert "daemon:x:" in passwd
    assert "\ncore:$6$abc$def:" in shadow
    assert "\ndaemon:*:" in shadow
    assert "wheel:x:11:core" in (root / "etc/group").read_text()
    found = tree(str(root))
    keys = b"ssh-ed25519 AAAA one\nssh-ed25519 AAAA two\n"
    assert found["home/c/.ssh/authorized_keys.d/ignition"] == ("file", "0o600", (1600, 1600), sha512(keys)[:16])
    assert found["home/c/.ssh"] == found["home/c/.ssh/authorized_keys.d"] == ("directory", "0o700", (1600, 1600))
    assert found["home/c/.config/x"][2] == (1600, 1600)
    assert found["home/c/.config"][2] == (0, 0)
    assert apply(USERS, root).executed == ()
    assert tree(str(root)) == found


@as_root
def test_users_can_be_changed_and_deleted(root: Path) -> None:
    apply(USERS, root)
    changed = config(
        passwd={
            "users": [
                {"name": "core", "shell": "/bin/false", "homeDir": "/home/new", "passwordHash": "$6$new"},
                {"name": "daemon", "shouldExist": False},
            ],
            "groups": [{"name": "nobody", "shouldExist": False}],
        }
    )
    apply(changed, root)
    assert "core:x:1600:1600:A B:/home/new:/bin/false\n" in (root / "etc/passwd").read_text()
    assert "daemon" not in (root / "etc/passwd").read_text()
    assert "core:$6$new:" in (root / "etc/shadow").read_text()
    assert (root / "home/new/.ssh/authorized_keys.d/ignition").exists()
    assert apply(changed, root).executed == ()


@as_root
def test_a_program_s_refusal_is_told_in_its_words(root: Path) -> None:
    wanted = config(passwd={"users": [{"name": "core", "primaryGroup": "missing"}]})
    with pytest.raises(ProvisionError, match="group 'missing' does not exist"):
        apply(wanted, root)


@as_root
@pytest.mark.parametrize("switch", ["0", "false"])
def test_keys_can_go_to_the_common_file(switch: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FRAGMENT_VARIABLE, switch)
    apply(config(passwd={"users": [{"name": "root", "sshAuthorizedKeys": ["k"]}]}), root)
    assert (root / "root/.ssh/authorized_keys").read_text() == "k\n"


def test_an_unknown_switch_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FRAGMENT_VARIABLE, "maybe")
    with pytest.raises(ProvisionError, match="true, 1, false or 0"):
        plan_directory(Config(), str(root))


@as_root
def test_keys_do_not_follow_a_link_that_the_user_made(root: Path) -> None:
    (root / "etc/passwd").write_text(PASSWD + "core:x:1600:1600::/home/core:/bin/sh\n")
    (root / "home/core").mkdir(parents=True)
    (root / "home/core/.ssh").symlink_to("/etc")
    with pytest.raises(ProvisionError, match="could not write 1 authorized key of core"):
        apply(config(passwd={"users": [{"name": "core", "sshAuthorizedKeys": ["k"]}]}), root)
    assert not (root / "etc/authorized_keys.d").exists()


@as_root
def test_homes_may_be_links_inside_the_root(root: Path) -> None:
    (root / "var/home").mkdir(parents=True)
    (root / "home").symlink_to("/var/home")
    (root / "etc/passwd").write_text(PASSWD + "core:x:1600:1600::/home/core:/bin/sh\n")
    operation = WriteAuthorizedKeys(name="core", file="keys", blob=sha512(b"k\n"), count=1)
    machine = Machine(str(root), {sha512(b"k\n"): b"k\n"})
    operation.execute(machine)
    assert operation.done(machine)
    machine.close()
    assert tree(str(root / "var/home"))["core/keys"] == ("file", "0o600", (1600, 1600), sha512(b"k\n")[:16])


@as_root
def test_no_hash_stands_in_a_command_line(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log"
    for name in ("useradd", "usermod", "chpasswd", "groupadd", "groupmod", "chgpasswd"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho "$0 $@" >> {log}\nexec /usr/sbin/{name} "$@"\n')
        program.chmod(0o755)
        monkeypatch.setenv(f"PROVISION_{name.upper()}", str(program))
    apply(USERS, root)
    lines = log.read_text()
    assert "useradd --root" in lines
    assert "$6$" not in lines


@as_root
def test_a_missing_program_is_noticed_before_anything_is_written(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_USERADD", "no-such-useradd")
    before = tree(str(root))
    with pytest.raises(ProvisionError, match="not found on this machine: useradd"):
        apply(USERS, root)
    assert tree(str(root)) == before


# ---- without root ---------------------------------------------------------------------------------------------------


# Loads all that the applier may need while it still may read it: the tests' Python can be in a folder of root's own.
AS_NOBODY = f"""
import binascii, contextlib, ctypes, errno, hashlib, json.decoder, os, sys, threading, zlib
import provision.apply.root_command, provision.apply.failure, provision.apply.labels, provision.apply.preview, provision.apply.system, provision.schema.rules
import provision.apply.console, provision.apply.directory, provision.apply.fetching, provision.apply.references
provision.schema.rules.load()
provision.apply.root_command.parser().format_help()
os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})
sys.exit(provision.apply.root_command.main())
"""


@pytest.fixture
def nobodys() -> Iterator[Path]:
    """A directory that belongs to nobody, in one that everybody may enter."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        made = Path(folder)
        (made / "root/etc").mkdir(parents=True)
        (made / "root/etc/passwd").write_text(PASSWD)
        for path in (made / "root", made / "root/etc", made / "root/etc/passwd"):
            os.chown(path, NOBODY, NOBODY)
        yield made


def as_nobody(folder: Path, config_text: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the applier as somebody who is not root."""
    return subprocess.run(
        [sys.executable, "-c", AS_NOBODY, "--root", "root", *options, "-"],
        input=config_text, cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(Path(provision.__file__).parent.parent)},
    )  # fmt: skip


@as_root
def test_without_root_files_are_written_and_owners_are_not_set(nobodys: Path) -> None:
    config_text = (
        '{"ignition":{"version":"3.4.0"},"storage":{"files":['
        '{"path":"/etc/a","mode":384,"user":{"name":"whoever"},"contents":{"source":"data:,a"}},'
        '{"path":"/etc/b","group":{"id":5},"contents":{"source":"data:,b"}}]},'
        '"systemd":{"units":[{"name":"a.service","enabled":true},{"name":"b.service","enabled":false}]}}'
    )
    for expected in ("operations: 5 done", "operations: 0 done"):
        done = as_nobody(nobodys, config_text)
        assert done.returncode == 0, done.stderr
        assert expected in done.stdout
        assert done.stderr.count("warning: not running as root") == 1
    assert tree(str(nobodys / "root"))["etc/a"] == ("file", "0o600", (NOBODY, NOBODY), sha512(b"a")[:16])


@as_root
def test_without_root_users_are_refused_before_anything_is_written(nobodys: Path) -> None:
    config_text = (
        '{"ignition":{"version":"3.4.0"},"passwd":{"users":[{"name":"core"}]},"storage":{"files":[{"path":"/etc/a"}]}}'
    )
    before = tree(str(nobodys / "root"))
    refused = as_nobody(nobodys, config_text)
    assert refused.returncode == 3
    assert "--skip passwd" in refused.stderr
    assert tree(str(nobodys / "root")) == before
    assert as_nobody(nobodys, config_text, "--skip", "passwd").returncode == 0


@as_root
def test_without_permission_the_place_is_named(nobodys: Path) -> None:
    (nobodys / "root/closed").mkdir(mode=0o700)
    config_text = '{"ignition":{"version":"3.4.0"},"storage":{"files":[{"path":"/closed/a"}]}}'
    refused = as_nobody(nobodys, config_text)
    assert refused.returncode == 3
    assert "/closed/a: cannot be looked at: Permission denied" in refused.stderr
