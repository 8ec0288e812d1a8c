"""What becomes of files, users and units, and which of it destroys something."""

from typing import Any

import pytest
from machines import HOST, account, config, data, directory, file, link, server

from provision.apply.facts_file import MachineFacts, RecordedNode, RecordedRoot
from provision.planning import exit_code
from provision.planning.forecast import Forecast, forecast
from provision.planning.machine import recorded

KEYS_FILE = "/home/core/.ssh/authorized_keys.d/ignition"


def planned(facts: MachineFacts | None = None, **sections: Any) -> Forecast:
    return forecast(config(**sections), recorded(facts or server(), "facts.json"))


def files(*nodes: dict[str, Any]) -> dict[str, Any]:
    return {"files": list(nodes)}


@pytest.mark.parametrize(
    ("storage", "action", "lost"),
    [
        (files({"path": "/etc/new", "contents": data("x")}), "make", []),
        (files({"path": "/etc/motd", "contents": data("hello\n")}), "keep", []),
        (files({"path": "/etc/motd", "contents": data("hello\n"), "overwrite": True}), "keep", []),
        (files({"path": "/etc/motd", "contents": data("other"), "overwrite": True}), "replace", ["/etc/motd"]),
        (files({"path": "/etc/motd", "contents": data("hello\n"), "overwrite": True, "mode": 0o600}), "replace", []),
        (files({"path": "/etc/motd", "append": [data("x")]}), "append", []),
        (files({"path": "/etc/motd", "mode": 0o600}), "change", []),
        (files({"path": "/etc/motd", "contents": {"source": "https://h/x"}, "overwrite": True}), "replace", ["/etc/motd"]),
        (files({"path": "/etc/motd", "append": [{"source": "https://h/x"}]}), "append", []),
        (files({"path": "/etc/app", "contents": data("x"), "overwrite": True}), "replace", ["/etc/app"]),
        ({"directories": [{"path": "/etc/app"}]}, "keep", []),
        ({"directories": [{"path": "/etc/app", "overwrite": True}]}, "replace", ["/etc/app"]),
        ({"links": [{"path": "/etc/localtime", "target": "../usr/share/zoneinfo/UTC"}]}, "keep", []),
        ({"links": [{"path": "/etc/localtime", "target": "x", "overwrite": True}]}, "replace", ["/etc/localtime"]),
        ({"links": [{"path": "/etc/motd", "target": "x", "overwrite": True}]}, "replace", ["/etc/motd"]),
    ],
)  # fmt: skip
def test_a_node_has_its_action_and_what_it_destroys(storage: dict[str, Any], action: str, lost: list[str]) -> None:
    made = planned(storage=storage)
    assert (made.refusals, [plan.action for plan in made.nodes]) == ((), [action])
    assert [loss.subject for loss in made.destroyed] == lost


def test_what_lies_in_a_directory_that_is_removed_is_lost_once() -> None:
    made = planned(
        storage={
            "directories": [{"path": "/etc/app", "overwrite": True}],
            "files": [{"path": "/etc/app/a.conf", "contents": data("new")}],
        }
    )
    assert [loss.subject for loss in made.destroyed] == ["/etc/app"]


def test_hashes_stand_for_contents_that_are_not_recorded() -> None:
    hashed = {"source": "https://h/x", "verification": {"hash": "sha256-" + sha256("hello\n")}}
    assert not planned(storage=files({"path": "/etc/motd", "contents": hashed})).operations
    other = {**hashed, "verification": {"hash": "sha256-" + sha256("other")}}
    assert planned(storage=files({"path": "/etc/motd", "contents": other})).refusals


def sha256(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()


def test_a_file_without_a_recorded_hash_is_said() -> None:
    made = planned(storage=files({"path": "/etc/shadow", "mode": 0o640, "contents": data("x" * 900)}))
    assert any("content of /etc/shadow is not recorded" in note and "--for CONFIG" in note for note in made.notes)


def test_a_path_that_was_not_recorded_counts_as_missing_and_is_said() -> None:
    made = planned(storage=files({"path": "/usr/share/x", "contents": data("x")}))
    assert [plan.action for plan in made.nodes] == ["make"]
    assert any("not recorded: /usr/share" in note and "provision facts --for CONFIG" in note for note in made.notes)


def test_a_path_in_a_listed_directory_is_missing_for_certain() -> None:
    made = planned(storage=files({"path": "/opt/a/b/c", "contents": data("x")}))
    assert not made.notes


def test_links_on_the_way_lead_where_they_did() -> None:
    root = RecordedRoot(
        path="/", nodes=(directory("/"), link("/opt", "var/opt"), directory("/var"), directory("/var/opt"), file("/var/opt/x", "old"))
    )  # fmt: skip
    facts = MachineFacts(version=1, host=HOST, root=root)
    made = planned(facts, storage=files({"path": "/opt/x", "contents": data("new"), "overwrite": True}))
    assert [(plan.path, plan.action) for plan in made.nodes] == [("/var/opt/x", "replace")]


def test_a_hard_link_that_is_there_is_recognised_by_its_identity() -> None:
    nodes = (directory("/"), file("/a", "x").changed(identity="1:2"), file("/b", "x").changed(identity="1:2"))
    facts = MachineFacts(version=1, host=HOST, root=RecordedRoot(path="/", nodes=nodes))
    assert not planned(facts, storage={"links": [{"path": "/b", "target": "/a", "hard": True}]}).operations


# ---- users ----------------------------------------------------------------------------------------------------------


def test_a_deleted_user_is_lost_with_the_home() -> None:
    made = planned(passwd={"users": [{"name": "guest", "shouldExist": False}]})
    assert [(loss.kind, loss.subject, loss.holds) for loss in made.destroyed] == [
        ("user", "guest", "with the home directory /home/guest")
    ]
    assert (made.users[0].action, exit_code(made, keep_data=True), exit_code(made, keep_data=False)) == ("delete", 1, 0)


@pytest.mark.parametrize(
    ("user", "action", "words"),
    [
        ({"name": "core"}, "keep", ()),
        ({"name": "core", "shell": "/bin/bash"}, "keep", ()),
        ({"name": "core", "groups": ["wheel", "adm"]}, "change", ("in wheel, adm",)),
        ({"name": "core", "homeDir": "/srv/core"}, "change", ("home moved to /srv/core",)),
        ({"name": "new", "uid": 7, "primaryGroup": "wheel"}, "make", ("uid 7", "group wheel")),
        ({"name": "none", "shouldExist": False}, "absent", ()),
        ({"name": "core", "passwordHash": ""}, "change", ("no password works",)),
    ],
)
def test_a_user_is_told_in_words(user: dict[str, Any], action: str, words: tuple[str, ...]) -> None:
    (plan,) = planned(passwd={"users": [user]}).users
    assert (plan.action, plan.words) == (action, words)


def with_keys(content: str, mode: str = "0600") -> MachineFacts:
    """The server, where core has keys of an earlier config."""
    found = server()
    assert found.root is not None
    keys = (
        directory("/home/core/.ssh"),
        directory("/home/core/.ssh/authorized_keys.d"),
        file(KEYS_FILE, content, mode, "1000:1000"),
    )
    return found.changed(root=found.root.changed(nodes=(*found.root.nodes, *keys)))


def test_keys_that_are_there_are_kept_and_others_are_lost() -> None:
    wanted = {"users": [{"name": "core", "sshAuthorizedKeys": ["ssh-ed25519 AAAA me"]}]}
    same = planned(with_keys("ssh-ed25519 AAAA me\n"), passwd=wanted)
    assert (same.operations, same.users[0].action) == ((), "keep")
    other = planned(with_keys("ssh-ed25519 BBBB you\n"), passwd=wanted)
    assert [loss.subject for loss in other.destroyed] == [KEYS_FILE]
    assert not planned(with_keys("ssh-ed25519 AAAA me\n", "0644"), passwd=wanted).destroyed


def test_programs_that_were_not_found_are_an_error() -> None:
    facts = server()
    lacking = facts.changed(host=facts.host.changed(absent_programs=("useradd",)))
    made = planned(lacking, passwd={"users": [{"name": "x"}]})
    assert "useradd" in made.refusals[0]
    assert made.users[0].action == "refuse"


# ---- units ----------------------------------------------------------------------------------------------------------


def test_units_are_written_replaced_kept_masked() -> None:
    same = "[Service]\nExecStart=/opt/app\n"
    units = [
        {"name": "new.service", "contents": "[Service]\n", "enabled": True},
        {"name": "app.service", "contents": same, "dropins": [{"name": "a.conf", "contents": "[Unit]\n"}]},
        {"name": "x.service", "mask": True},
        {"name": "y.service", "enabled": False},
    ]
    made = planned(systemd={"units": units})
    assert [(plan.action, plan.state) for plan in made.units] == [
        ("make", "enabled"), ("keep", ""), ("mask", "masked"), ("", "disabled"),
    ]  # fmt: skip
    assert made.units[1].dropins == (("a.conf", "make"),)
    assert sorted(made.presets) == ["disable y.service", "enable new.service"]
    changed = planned(systemd={"units": [{"name": "app.service", "contents": "[Service]\n"}]})
    assert [loss.subject for loss in changed.destroyed] == ["/etc/systemd/system/app.service"]


def test_presets_that_may_be_there_already_are_said() -> None:
    found = server()
    assert found.root is not None
    preset = (
        directory("/etc/systemd/system-preset"),
        file("/etc/systemd/system-preset/20-ignition.preset", "enable x.service\n"),
    )
    facts = found.changed(root=found.root.changed(nodes=(*found.root.nodes, *preset)))
    made = planned(facts, systemd={"units": [{"name": "x.service", "enabled": True}]})
    assert any("lines that it has already are not added again" in note for note in made.notes)


# ---- the whole ------------------------------------------------------------------------------------------------------


def test_a_remote_config_is_named_and_left_out() -> None:
    remote = {"source": "https://me:not-to-be-shown@h/x?y=not-to-be-shown"}
    made = planned(ignition={"version": "3.7.0-experimental", "config": {"merge": [remote]}})
    assert any(note.startswith("https://h/x is not fetched") for note in made.notes)
    assert "not-to-be-shown" not in repr(made.notes) + repr(made.fetches)


def test_a_root_that_is_not_known_takes_any_owner_for_one() -> None:
    facts = MachineFacts(version=1, host=HOST)
    made = planned(facts, storage=files({"path": "/a", "contents": data("x"), "user": {"name": "somebody"}}))
    assert (made.refusals, made.nodes[0].owner) == ((), "somebody:0")
    assert any("must be in the root: somebody" in note for note in made.notes)
    assert any("an empty one is assumed" in note for note in made.notes)


@pytest.mark.parametrize(
    ("storage", "keep", "code"),
    [
        (files({"path": "/etc/new"}), True, 0),
        (files({"path": "/etc/motd", "contents": data("x"), "overwrite": True}), False, 0),
        (files({"path": "/etc/motd", "contents": data("x"), "overwrite": True}), True, 1),
        (files({"path": "/etc/motd", "contents": data("x")}), True, 3),
        (files({"path": "/etc/motd", "contents": data("x")}), False, 3),
    ],
)
def test_the_exit_code_says_how_it_is(storage: dict[str, Any], keep: bool, code: int) -> None:
    assert exit_code(planned(storage=storage), keep_data=keep) == code


def test_a_pipe_in_the_place_of_a_file_is_lost() -> None:
    """Nodes of other kinds are no files: a device or pipe in the place of a file is replaced, and lost."""
    found = server()
    assert found.root is not None
    pipe = RecordedNode(path="/etc/pipe", kind="other", mode="0600", owner="0:0")
    facts = found.changed(
        root=found.root.changed(nodes=(*found.root.nodes, pipe), users=(account("root", 0, "/root"),))
    )
    made = planned(facts, storage=files({"path": "/etc/pipe", "contents": data("x"), "overwrite": True}))
    assert [(loss.kind, loss.subject) for loss in made.destroyed] == [("node", "/etc/pipe")]
