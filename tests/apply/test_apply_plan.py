"""Plans as data: facts and a config in, the lines that people read out."""

import ast
from pathlib import Path
from typing import Any

import pytest
from apply_fakes import DIRECTORY, config, data, described, facts, file, link, planned, storage

import provision.apply
from provision.apply.accounts import Account, Team
from provision.apply.directory import plan
from provision.apply.plan.draft import Draft
from provision.contents import sha512
from provision.diagnostics import ProvisionError
from provision.ignition import Config

HI = data("hi\n")
HI_HASH = sha512(b"hi\n")[:12]
WRITE_HI = f"write /etc/a: 3 bytes, sha512 {HI_HASH}, mode 0644"


def refusal(wanted: Config, known: Any = None, **more: Any) -> str:
    with pytest.raises(ProvisionError) as caught:
        planned(wanted, known, **more)
    assert caught.value.exit_code == 3
    return str(caught.value)


# ---- files ----------------------------------------------------------------------------------------------------------


def test_a_new_file_comes_with_its_missing_parents() -> None:
    wanted = storage(files=[{"path": "/srv/x/a", "contents": HI, "mode": 0o600, "user": {"id": 5}}])
    assert described(wanted) == [
        "make directory /srv: mode 0755",
        "make directory /srv/x: mode 0755",
        "write /srv/x/a: 3 bytes, mode 0600, owner 5:",
    ]


def test_a_file_without_source_is_made_empty() -> None:
    empty = sha512(b"")[:12]
    assert described(storage(files=[{"path": "/etc/a"}])) == [f"write /etc/a: 0 bytes, sha512 {empty}, mode 0644"]


def test_a_file_without_source_keeps_its_content_and_gets_mode_and_owner() -> None:
    wanted = storage(files=[{"path": "/etc/a", "mode": 0o600, "group": {"name": "root"}}])
    assert described(wanted, facts(contents={"/etc/a": b"old"})) == ["change /etc/a: mode 0600, owner :0"]


def test_a_file_that_is_as_wanted_takes_no_operation() -> None:
    wanted = storage(files=[{"path": "/etc/a", "contents": HI, "mode": 0o644}])
    assert described(wanted, facts(contents={"/etc/a": b"hi\n"})) == []


@pytest.mark.parametrize("difference", [{"mode": 0o600}, {"user": {"id": 7}}, {"contents": data("ho\n")}])
def test_an_existing_file_that_differs_is_refused(difference: dict[str, Any]) -> None:
    wanted = storage(files=[{"path": "/etc/a", "contents": HI, "mode": 0o644, **difference}])
    message = refusal(wanted, facts(contents={"/etc/a": b"hi\n"}))
    assert "/etc/a: a file is there already" in message
    assert "`overwrite: true` would replace it" in message


def test_overwrite_replaces_a_file_by_rename_and_a_directory_by_removal() -> None:
    wanted = storage(files=[{"path": "/etc/a", "contents": HI, "overwrite": True}])
    assert described(wanted, facts(contents={"/etc/a": b"old"})) == [WRITE_HI]
    assert described(wanted, facts({"/etc/a": link("/b")})) == [WRITE_HI]
    assert described(wanted, facts({"/etc/a": DIRECTORY})) == [
        "remove /etc/a, a directory with all that it holds (overwrite)",
        WRITE_HI,
    ]


def test_overwrite_gives_a_file_of_somebody_else_back_to_root() -> None:
    wanted = storage(files=[{"path": "/etc/a", "contents": HI, "overwrite": True}])
    mine, theirs = file(b"hi\n"), file(b"hi\n", owner="7:7")
    assert described(wanted, facts({"/etc/a": mine}, {"/etc/a": b"hi\n"})) == []
    assert described(wanted, facts({"/etc/a": theirs}, {"/etc/a": b"hi\n"})) == [WRITE_HI]


@pytest.mark.parametrize("found", [DIRECTORY, link("/b")])
def test_only_a_regular_file_is_appended_to(found: Any) -> None:
    wanted = storage(files=[{"path": "/etc/a", "append": [HI]}])
    assert "/etc/a: a " in refusal(wanted, facts({"/etc/a": found}))


def test_appending_keeps_content_mode_and_owner() -> None:
    wanted = storage(files=[{"path": "/etc/a", "append": [HI, data("ho\n")]}])
    known = facts({"/etc/a": file(b"old\n", 0o640, "3:4")}, {"/etc/a": b"old\n"})
    plan = planned(wanted, known)
    (operation,) = plan.operations
    content = sha512(b"old\nhi\nho\n")
    assert operation.describe() == "write /etc/a: 10 bytes, mode 0640, owner 3:4"
    assert plan.blobs[content] == b"old\nhi\nho\n"


def test_all_conflicts_are_named_at_once() -> None:
    paths = ["/etc/a", "/etc/b", "/etc/c"]
    wanted = storage(files=[{"path": path, "contents": HI} for path in paths])
    message = refusal(wanted, facts(contents=dict.fromkeys(paths, b"old")))
    assert message.startswith("nothing was written to /target:")
    assert all(f"{path}: a file is there already" in message for path in paths)


def test_a_parent_that_is_no_directory_is_refused() -> None:
    wanted = storage(files=[{"path": "/etc/a/b", "contents": HI}])
    assert "/etc/a/b: /etc/a is a file, not a directory" in refusal(wanted, facts(contents={"/etc/a": b""}))


def test_a_file_below_a_directory_that_is_overwritten_is_new() -> None:
    wanted = storage(
        directories=[{"path": "/etc/d", "overwrite": True}], files=[{"path": "/etc/d/sub/a", "contents": HI}]
    )
    known = facts({"/etc/d": DIRECTORY, "/etc/d/sub": DIRECTORY}, {"/etc/d/sub/a": b"old"})
    assert described(wanted, known) == [
        "remove /etc/d, a directory with all that it holds (overwrite)",
        "make directory /etc/d: mode 0755",
        "make directory /etc/d/sub: mode 0755",
        f"write /etc/d/sub/a: 3 bytes, sha512 {HI_HASH}, mode 0644",
    ]


def test_the_root_itself_is_never_removed() -> None:
    message = refusal(storage(directories=[{"path": "/", "overwrite": True}]))
    assert "the root itself is never removed" in message
    assert described(storage(directories=[{"path": "/", "mode": 0o700}])) == ["change /: mode 0700"]


# ---- order and places -----------------------------------------------------------------------------------------------


def test_shallow_nodes_come_first_and_hard_links_last() -> None:
    wanted = storage(
        directories=[{"path": "/d/e"}, {"path": "/d"}],
        files=[{"path": "/d/e/f"}, {"path": "/z"}],
        links=[{"path": "/h", "target": "/z", "hard": True}, {"path": "/l", "target": "z"}],
    )
    places = [line.split()[-1 if "link" in line else 1].rstrip(":") for line in described(wanted)]
    assert places == ["directory", "/z", "z", "directory", "/d/e/f", "/z"]


def test_two_entries_of_one_place_are_refused() -> None:
    wanted = storage(files=[{"path": "/etc/a"}, {"path": "/e/a"}])
    assert "/e/a and /etc/a are the same place: /etc/a" in refusal(wanted, facts({"/e": link("etc")}))


def test_an_absolute_link_starts_at_the_root() -> None:
    wanted = storage(files=[{"path": "/var/run/x/a", "contents": HI}])
    known = facts({"/var": DIRECTORY, "/var/run": link("/run"), "/run": link("../../r"), "/r": DIRECTORY})
    assert described(wanted, known) == [
        "make directory /r/x: mode 0755",
        f"write /r/x/a: 3 bytes, sha512 {HI_HASH}, mode 0644",
    ]


def test_a_loop_of_links_is_refused() -> None:
    wanted = storage(files=[{"path": "/x/a"}])
    assert "most likely a loop" in refusal(wanted, facts({"/x": link("/y"), "/y": link("x")}))


@pytest.mark.parametrize("path", ["/a\0b", "/a\ud800", "/" + "a/" * 3000 + "b"])
def test_what_no_file_system_takes_is_refused(path: str) -> None:
    assert "path" in refusal(storage(files=[{"path": path}]))


# ---- directories and links ------------------------------------------------------------------------------------------


def test_an_existing_directory_only_gets_mode_and_owner() -> None:
    wanted = storage(directories=[{"path": "/etc", "mode": 0o700, "user": {"id": 3}, "group": {"id": 4}}])
    assert described(wanted) == ["change /etc: mode 0700, owner 3:4"]
    assert described(storage(directories=[{"path": "/etc", "mode": 0o755}])) == []


def test_a_directory_in_the_place_of_a_file_is_refused_without_overwrite() -> None:
    known = facts(contents={"/etc/a": b""})
    assert "/etc/a: a file is there already" in refusal(storage(directories=[{"path": "/etc/a"}]), known)
    assert described(storage(directories=[{"path": "/etc/a", "overwrite": True}]), known) == [
        "remove /etc/a, a file (overwrite)",
        "make directory /etc/a: mode 0755",
    ]


def test_a_link_with_the_same_target_is_left_alone() -> None:
    wanted = storage(links=[{"path": "/etc/l", "target": "../usr//share/./x"}])
    assert described(wanted, facts({"/etc/l": link("../usr/share/x")})) == []
    assert "a symbolic link is there already" in refusal(wanted, facts({"/etc/l": link("/usr/share/x")}))


def test_a_hard_link_needs_its_target() -> None:
    wanted = storage(links=[{"path": "/etc/h", "target": "/etc/a", "hard": True}])
    assert "its target /etc/a is nothing" in refusal(wanted)
    assert described(wanted, facts(contents={"/etc/a": b""})) == ["hard link /etc/h => /etc/a"]
    same = file(b"")
    assert described(wanted, facts({"/etc/a": same, "/etc/h": same})) == []


# ---- owners ---------------------------------------------------------------------------------------------------------


def test_names_are_looked_up_in_the_root_and_in_the_plan() -> None:
    wanted = config(
        passwd={"users": [{"name": "web"}]},
        storage={"directories": [{"path": "/srv", "user": {"name": "web"}, "group": {"name": "staff"}}]},
    )
    lines = described(wanted, facts(groups={"staff": Team(name="staff", gid=50)}))
    assert lines[-1] == "make directory /srv: mode 0755, owner web:50"


@pytest.mark.parametrize("owner", [{"user": {"name": "nobody"}}, {"group": {"name": "nobody"}}, {"user": {"id": -1}}])
def test_an_owner_that_cannot_be_is_refused(owner: dict[str, Any]) -> None:
    assert "/srv: " in refusal(storage(directories=[{"path": "/srv", **owner}]))


def test_without_root_owners_are_left_out_and_said_so_once() -> None:
    wanted = storage(directories=[{"path": f"/{name}", "user": {"name": "whoever"}} for name in "ab"])
    plan = planned(wanted, facts(is_root=False))
    assert [operation.describe() for operation in plan.operations] == [
        "make directory /a: mode 0755",
        "make directory /b: mode 0755",
    ]
    (note,) = plan.notes
    assert "not running as root" in note


# ---- units ----------------------------------------------------------------------------------------------------------

UNITS = facts({"/etc/systemd": DIRECTORY, "/etc/systemd/system": DIRECTORY, "/etc/systemd/system-preset": DIRECTORY})
PRESET = "/etc/systemd/system-preset/20-ignition.preset"


def unit(**keys: Any) -> Config:
    return config(systemd={"units": [{"name": "a.service", **keys}]})


def test_a_unit_has_drop_ins_contents_and_a_preset() -> None:
    wanted = unit(contents="[Unit]\n", enabled=True, dropins=[{"name": "x.conf", "contents": ""}, {"name": "y.conf"}])
    assert described(wanted, UNITS) == [
        "make directory /etc/systemd/system/a.service.d: mode 0755",
        f"write /etc/systemd/system/a.service.d/x.conf: 0 bytes, sha512 {sha512(b'')[:12]}, mode 0644",
        f"write /etc/systemd/system/a.service: 7 bytes, sha512 {sha512(b'[Unit]' + bytes([10]))[:12]}, mode 0644",
        f"preset {PRESET}: enable a.service",
    ]


def test_a_masked_unit_is_only_a_link() -> None:
    assert described(unit(contents="[Unit]\n", mask=True), UNITS) == ["mask /etc/systemd/system/a.service"]
    masked = facts({**UNITS.nodes, "/etc/systemd/system/a.service": link("/dev/null")})
    assert described(unit(mask=True), masked) == []
    assert described(unit(mask=False), masked) == ["unmask /etc/systemd/system/a.service"]
    assert described(unit(mask=False), UNITS) == []


def test_instances_share_a_line_only_to_enable_them() -> None:
    chosen = {"g@b.service": True, "g@.service": True, "g@a.service": True, "g@c.service": False, "f.service": False}
    units = [{"name": name, "enabled": enabled} for name, enabled in chosen.items()]
    lines = ["disable f.service", "enable g@.service b a", "disable g@c.service"]
    assert described(config(systemd={"units": units}), UNITS) == [f"preset {PRESET}: {'; '.join(lines)}"]


def test_presets_that_are_there_are_not_added_again() -> None:
    known = facts(dict(UNITS.nodes), {PRESET: b"enable a.service\n"})
    assert described(unit(enabled=True), known) == []


def test_disabling_removes_what_starts_the_unit() -> None:
    base = "/etc/systemd/system"
    wants = f"{base}/multi-user.target.wants"
    known = facts(
        {
            **UNITS.nodes,
            wants: DIRECTORY,
            f"{wants}/a.service": link("/usr/lib/systemd/system/a.service"),
            f"{base}/alias.service": link("/usr/lib/systemd/system/a.service"),
            f"{base}/b.service": link("/usr/lib/systemd/system/c.service"),
        },
        names={base: ("alias.service", "b.service", "multi-user.target.wants")},
    )
    assert described(unit(enabled=False), known) == [
        f"remove {base}/alias.service, an alias of a.service, which is disabled",
        f"remove {wants}/a.service, a.service is disabled",
        f"preset {PRESET}: disable a.service",
    ]


def test_units_land_where_a_link_of_the_same_config_leads() -> None:
    wanted = config(
        storage={"directories": [{"path": "/usr/units"}], "links": [{"path": "/etc/systemd", "target": "/usr"}]},
        systemd={"units": [{"name": "a.service", "contents": "[Unit]\n"}]},
    )
    assert described(wanted)[-1].startswith("write /usr/system/a.service: 7 bytes")


# ---- users ----------------------------------------------------------------------------------------------------------

WEB = Account(name="web", uid=900, gid=900, gecos="", home="/srv/web", shell="/bin/sh", password="$6$old")


def user(**keys: Any) -> Config:
    return config(passwd={"users": [{"name": "web", **keys}]})


def test_a_new_user_gets_options_password_and_keys() -> None:
    wanted = user(
        uid=900, homeDir="/srv/web", groups=["a", "b"], shell="/bin/sh", primaryGroup="web", gecos="W",
        noUserGroup=True, system=True, noLogInit=True, passwordHash="$6$secret", sshAuthorizedKeys=["k1", "k2"],
    )  # fmt: skip
    keys = sha512(b"k1\nk2\n")[:12]
    assert described(wanted) == [
        "add user web: --home-dir /srv/web --create-home --no-user-group --system --no-log-init --uid 900 --comment W "
        "--gid web --groups a,b --shell /bin/sh",
        "set the password of web",
        f"write 2 authorized keys of web to ~/.ssh/authorized_keys.d/ignition: sha512 {keys}, mode 0600",
    ]


def test_an_existing_user_is_only_changed_where_it_differs() -> None:
    known = facts(users={"web": WEB}, groups={"web": Team(name="web", gid=900), "a": Team(name="a", gid=5)})
    assert described(user(uid=900, homeDir="/srv/web", shell="/bin/sh", primaryGroup="web"), known) == []
    assert described(user(shell="/bin/bash", groups=["a"], homeDir="/w"), known) == [
        "change user web: --home /w --move-home --groups a --shell /bin/bash"
    ]


def test_an_empty_hash_locks_and_no_hash_leaves_the_password() -> None:
    known = facts(users={"web": WEB})
    assert described(user(passwordHash=""), known) == ["set the password of web to none that works"]
    assert described(user(), known) == []
    assert described(user(passwordHash="$6$old"), known) == []


def test_users_and_groups_can_be_deleted() -> None:
    wanted = config(
        passwd={"users": [{"name": "web", "shouldExist": False}], "groups": [{"name": "web", "shouldExist": False}]},
        storage={"files": [{"path": "/srv/web/a"}]},
    )
    known = facts(
        {"/srv": DIRECTORY, "/srv/web": DIRECTORY}, users={"web": WEB}, groups={"web": Team(name="web", gid=900)}
    )
    lines = described(wanted, known)
    assert lines[:3] == [
        "remove group web",
        "remove user web and the home directory",
        "make directory /srv/web: mode 0755",
    ]
    assert described(wanted.changed(storage=Config().storage)) == []


def test_groups_are_added_and_changed() -> None:
    known = facts(groups={"old": Team(name="old", gid=5)})
    groups = [{"name": "new", "gid": 7, "system": True, "passwordHash": "h"}, {"name": "old", "gid": 6}]
    assert described(config(passwd={"groups": groups}), known) == [
        "add group new: gid 7",
        "set the password of group new",
        "change group old: gid 6",
    ]


@pytest.mark.parametrize(
    "entry",
    [
        {"name": ""},
        {"name": "a:b"},
        {"name": "a\nroot"},
        {"name": "a", "passwordHash": "x\nroot:y"},
        {"name": "a", "passwordHash": "x:y"},
        {"name": "a", "gecos": "\0"},
        {"name": "a", "groups": ["\ud800"]},
    ],
)
def test_what_could_become_another_line_or_field_is_refused(entry: dict[str, Any]) -> None:
    message = refusal(config(passwd={"users": [entry]}))
    assert "x\n" not in message


def test_users_need_root_and_the_programs() -> None:
    assert "run as root, or leave out with --skip passwd" in refusal(user(), facts(is_root=False))
    assert "useradd" in refusal(user(), facts(absent_programs=frozenset({"useradd"})))
    assert not planned(user(), facts(is_root=False), frozenset({"passwd"})).operations


# ---- what is not built yet ------------------------------------------------------------------------------------------

UNSUPPORTED: dict[str, dict[str, Any]] = {
    "kernelArguments": {"kernelArguments": {"shouldExist": ["quiet"]}},
    "storage.disks": {"storage": {"disks": [{"device": "/dev/vda"}]}},
    "storage.raid": {"storage": {"raid": [{"name": "r", "level": "raid1"}]}},
    "storage.luks": {"storage": {"luks": [{"name": "l", "device": "/dev/vda"}]}},
    "storage.filesystems": {"storage": {"filesystems": [{"device": "/dev/vda"}]}},
}
SKIPS = dict(zip(UNSUPPORTED, ("kernel_arguments", "disks", "raid", "luks", "filesystems"), strict=True))


@pytest.mark.parametrize("key", UNSUPPORTED)
def test_a_section_that_a_directory_has_no_place_for_is_refused_or_skipped(key: str) -> None:
    wanted = config(**UNSUPPORTED[key])
    message = refusal(wanted)
    assert f"{key}: a directory has no disks or boot loader; leave out with --skip {SKIPS[key]}" in message
    assert not planned(wanted, skip=frozenset({SKIPS[key]})).operations


REMOTE = [
    {"path": "/etc/a", "contents": {"source": "https://u:p@h/x?t=s"}},
    {"path": "/etc/a", "append": [{"source": "s3://b/k?versionId=s"}]},
]


@pytest.mark.parametrize("file", REMOTE)
def test_offline_a_remote_source_is_refused_without_showing_its_secrets(file: dict[str, Any]) -> None:
    with pytest.raises(ProvisionError) as caught:
        plan(storage(files=[file]), Draft(facts(), is_offline=True), "/target")
    message = str(caught.value)
    assert "/etc/a: its content has to be fetched" in message
    assert "this run is offline" in message
    assert "u:p" not in message
    assert "=s" not in message


@pytest.mark.parametrize("file", REMOTE)
def test_a_remote_source_is_described_without_its_secrets(file: dict[str, Any]) -> None:
    (line,) = described(storage(files=[file]))
    assert line.startswith("write /etc/a: from ")
    assert "u:p" not in line
    assert "=s" not in line


def test_what_is_fetched_comes_after_the_tree_and_before_hard_links() -> None:
    wanted = storage(
        files=[{"path": "/a", "contents": {"source": "http://h/a"}}, {"path": "/b/c/d", "contents": {"source": "http://h/d"}}],
        directories=[{"path": "/b/e"}],
        links=[{"path": "/hard", "target": "/a", "hard": True}, {"path": "/z", "target": "/a"}],
    )  # fmt: skip
    assert [type(operation).__name__ for operation in planned(wanted).operations] == [
        "MakeLink", "MakeDirectory", "MakeDirectory", "MakeDirectory", "WriteRemote", "WriteRemote", "MakeHardLink",
    ]  # fmt: skip


def test_a_fetched_file_that_is_there_is_known_by_its_hash() -> None:
    known = facts(contents={"/etc/a": b"text"})
    hashed = {"source": "http://h/a", "verification": {"hash": f"sha512-{sha512(b'text')}"}}
    assert not planned(storage(files=[{"path": "/etc/a", "contents": hashed}]), known).operations
    assert "there already" in refusal(storage(files=[{"path": "/etc/a", "contents": {"source": "http://h/a"}}]), known)
    other = {"source": "http://h/a", "verification": {"hash": f"sha512-{'0' * 128}"}}
    assert "there already" in refusal(storage(files=[{"path": "/etc/a", "contents": other}]), known)
    assert planned(storage(files=[{"path": "/etc/a", "contents": other, "overwrite": True}]), known).operations


def test_an_unknown_section_to_skip_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ProvisionError) as caught:
        planned(Config(), skip=frozenset({"files"}))
    assert caught.value.exit_code == 2


# ---- the planner cannot write ---------------------------------------------------------------------------------------

PURE = (
    "plan/*.py",
    "facts.py",
    "facts_file.py",
    "paths.py",
    "accounts.py",
    "sources.py",
    "devices/__init__.py",
    "programs.py",
    "stages.py",
    "operations/*.py",
)
PURE_MODULES = {
    "binascii", "collections.abc", "contextlib", "functools", "hashlib", "itertools", "json", "types", "typing", "zlib",
    "provision.diagnostics", "provision.ignition", "provision.record", "provision.typed",
    "provision.schema.rules.paths", "provision.schema.rules.urls",
    *(f"provision.apply.{name}" for name in ("accounts", "devices", "facts", "paths", "programs", "reading", "sources")),
}  # fmt: skip


def test_nothing_that_plans_can_reach_what_writes() -> None:
    folder = Path(provision.apply.__file__).parent
    modules = [module for pattern in PURE for module in folder.glob(pattern)]
    assert len(modules) > 12
    for module in modules:
        for name in imported(ast.parse(module.read_text())):
            allowed = name in PURE_MODULES or name.startswith(
                ("provision.apply.plan", "provision.apply.operations", "provision.contents")
            )
            assert allowed, f"{module.name} imports {name}"


def imported(source: ast.Module) -> list[str]:
    names = []
    for statement in ast.walk(source):
        if isinstance(statement, ast.Import):
            names += [alias.name for alias in statement.names]
        elif isinstance(statement, ast.ImportFrom):
            names.append(statement.module or "")
        elif isinstance(statement, ast.Call) and isinstance(statement.func, ast.Name):
            assert statement.func.id not in ("open", "exec", "eval", "__import__")
    return names


def test_keys_of_operations_are_stable_and_tell_acts_apart() -> None:
    wanted = storage(files=[{"path": f"/etc/{name}", "contents": HI} for name in "ab"])
    first, second = ([operation.key for operation in planned(wanted).operations] for _ in range(2))
    assert first == second
    assert len(set(first)) == 2


def test_no_secret_shows_in_an_operation() -> None:
    wanted = config(passwd={"users": [{"name": "web", "passwordHash": "$6$secret"}]})
    for operation in planned(wanted).operations:
        assert "secret" not in operation.describe() + repr(operation)
