"""The file of facts: what is written is read again, and what is wrong with a file is told with its place."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machines import HOST, MACHINES, account, config, data, directory, file, link, server

from provision.apply.accounts import Team
from provision.apply.facts_file import MachineFacts, RecordedNode, RecordedRoot, from_json, to_json
from provision.apply.paths import MISSING
from provision.diagnostics import ProvisionError
from provision.planning import as_json, as_text
from provision.planning.forecast import forecast
from provision.planning.machine import recorded
from provision.planning.memory import Recollection


def refusal(raw: bytes) -> str:
    """Why a file is refused."""
    with pytest.raises(ProvisionError) as caught:
        from_json(raw, "facts.json")
    assert caught.value.exit_code == 2
    return str(caught.value)


def changed(**values: Any) -> bytes:
    """The server's file with other values at its top."""
    return json.dumps({**json.loads(to_json(server())), **values}).encode()


def with_device(**values: Any) -> bytes:
    device = {"path": "/dev/x", "size": 4096, "sectorSize": 512, **values}
    return changed(devices=[device])


def with_node(**values: Any) -> bytes:
    return changed(root={"path": "/", "nodes": [{"path": "/x", "kind": "file", **values}]})


@pytest.mark.parametrize("name", MACHINES)
def test_what_is_written_is_read_again(name: str) -> None:
    facts = MACHINES[name]()
    assert from_json(to_json(facts), "x") == facts


def test_names_that_are_no_text_survive() -> None:
    root = RecordedRoot(path="/", nodes=(directory("/"), file("/caf\udce9", "x"), file("/ä", "x")))
    facts = MachineFacts(version=1, host=HOST, root=root)
    assert from_json(to_json(facts), "x") == facts


def test_passwords_are_never_written() -> None:
    users = (account("core", 1000).changed(password="$6$not-to-be-shown"),)
    groups = (Team(name="core", gid=1000, password="not-to-be-shown"),)
    written = to_json(MachineFacts(version=1, host=HOST, root=RecordedRoot(path="/", users=users, groups=groups)))
    assert b"not-to-be-shown" not in written
    assert b"password" not in written


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "the file is empty"),
        (b"\xff", "byte 0: not UTF-8"),
        (b"{", "line 1, column 2: not JSON"),
        (b"[]", "a JSON object is due"),
        (b"{}", "not facts of version 1"),
        (b'{"ignition": {"version": "3.4.0"}}', "not facts of version 1"),
        (changed(version=2), "this is version 2"),
        (changed(version=True), "not facts of version 1"),
        (changed(version="1"), "this is version '1'"),
        (changed(colour="red"), "colour: the key is not known"),
        (changed(host={"kernel": 6}), "host.kernel: a string is due here"),
        (changed(devices={}), "devices: a list is due here"),
        (
            changed(root={"path": "/", "users": [{"name": "a", "password": "x"}]}),
            "users[0].password: the key is not known",
        ),
        (with_device(size="big"), "devices[0].size: an integer"),
        (with_device(size=-1), "/dev/x: a size or place is negative"),
        (with_device(sectorSize=0), "/dev/x: sectorSize 0 is no size of sectors"),
        (with_device(sectorSize=1000), "sectorSize 1000 is no size"),
        (with_device(path="x"), "'x' is no absolute path"),
        (with_device(names=["/dev/\u001b[31m"]), "is no absolute path"),
        (with_device(table={"kind": "gpt", "slots": -1}), "its table has a negative size"),
        (
            with_device(table={"kind": "gpt", "entries": [{"number": 0, "start": 1, "size": 1}]}),
            "partition 0 has a number",
        ),
        (
            with_device(table={"kind": "gpt", "entries": [{"number": 1, "start": 1, "size": 1}] * 2}),
            "table: partition: 1 is there twice",
        ),
        (changed(devices=[{"path": "/dev/x", "size": 1, "sectorSize": 512}] * 2), "/dev/x is there twice"),
        (with_node(kind="door"), "kind 'door' is none of missing, file"),
        (with_node(mode="999"), "mode '999' is not four octal digits"),
        (with_node(owner="root:root"), "owner 'root:root' is not two numbers"),
        (with_node(identity="1"), "identity '1' is not two numbers"),
        (with_node(sha512="abc"), "sha512 is not 128 hexadecimal digits"),
        (with_node(size=-1), "its size is negative"),
        (with_node(path="/x/"), "this is no true path"),
        (changed(root={"path": "/", "users": [{"name": "a", "uid": -1}]}), "its ids are none"),
        (changed(root={"path": "/", "groups": [{"name": "a", "gid": 2**40}]}), "its id is none"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_a_wrong_file_is_refused_with_place_and_reason(raw: bytes, said: str) -> None:
    message = refusal(raw)
    assert message.startswith("facts.json: these facts cannot be read:\n  ")
    assert said in message
    assert "\x1b" not in message


def test_of_very_much_that_is_wrong_only_the_first_is_told() -> None:
    message = refusal(changed(**{f"key{number}": 1 for number in range(30)}))
    assert message.endswith("  and 22 more")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
WANTED = config(
    storage={
        "disks": [{"device": "/dev/vdb", "partitions": [{"number": 2, "label": "x", "wipePartitionEntry": True}, {"number": 0}]}],
        "filesystems": [{"device": "/dev/vdb2", "format": "xfs", "path": "/srv"}],
        "files": [{"path": "/etc/motd", "contents": data("x"), "overwrite": True}],
    },
    passwd={"users": [{"name": "core", "sshAuthorizedKeys": ["a"]}]},
)  # fmt: skip


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container of a document with every key of it."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [(value, key) for key in keys] + [place for key in keys for place in places(value[key])]


@given(st.data())
def test_facts_that_were_tampered_with_are_refused_or_planned_with(drawn: st.DataObject) -> None:
    """Never a traceback: what is read at all is sound enough for every planner."""
    document = json.loads(to_json(server()))
    for _ in range(drawn.draw(st.integers(1, 3))):
        container, key = drawn.draw(st.sampled_from(places(document)))
        container[key] = drawn.draw(
            JSON | st.sampled_from([0, 1, -1, 2**62, 2**63 - 1, "", "/", "/dev/vdb", "unknown", "\x1b[31m"])
        )
    try:
        facts = from_json(json.dumps(document).encode(), "facts.json")
    except ProvisionError:
        return
    made = forecast(WANTED, recorded(facts, "facts.json"))
    json.loads(as_json(made))
    text = as_text(made, "x.bu", width=80)
    assert all(char == "\n" or char.isprintable() for char in text.decode())


# ---- as planners have it --------------------------------------------------------------------------------------------


def test_what_is_certain_and_what_is_a_gap() -> None:
    nodes = (
        directory("/"), directory("/etc"), directory("/usr", listed=False), file("/etc/a", "x"), link("/l", "etc"),
        RecordedNode(path="/usr/gone", kind="missing"),
    )  # fmt: skip
    memory = Recollection(RecordedRoot(path="/", nodes=nodes), HOST)
    for certain in ("/etc/b", "/etc/b/c", "/opt", "/etc/a/below", "/usr/gone", "/usr/gone/below"):
        assert memory.nodes[certain] == MISSING
    assert memory.nodes.gaps == []
    assert memory.nodes["/usr/b/c"] == MISSING
    assert memory.nodes.gaps == ["/usr/b/c"]
    assert memory.facts.names["/etc"] == ("a",)
    assert memory.facts.names["/usr"] == ()
    assert memory.nodes.gaps == ["/usr/b/c", "/usr/*"]
    assert memory.facts.nodes["/etc/a"].kind == "file"
