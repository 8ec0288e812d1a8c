"""Ignition 2 taken up to Ignition 3: what a case file can't show, places, options, and documents with seeded mistakes."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from provision.diagnostics import CODES
from provision.record import source_map
from provision.transpile.author import Options
from provision.transpile.compile import Compiled, compile_document
from provision.versions import TARGETS, releases_of

CASES = Path(__file__).parent.parent / "cases" / "ignition2"
DOCUMENTS = sorted(CASES.glob("*.ign"))
TAKEN = [path for path in DOCUMENTS if path.with_name(f"{path.name}.json").exists()]
by_taken = pytest.mark.parametrize("path", TAKEN, ids=lambda path: path.name)


def compiled(value: Any, **options: Any) -> Compiled:
    data = value if isinstance(value, bytes) else json.dumps(value, indent=1).encode()
    return compile_document(data, "case.ign", Options(**options))


def written(value: Any, **options: Any) -> Any:
    """The output as JSON, of a document without errors."""
    result = compiled(value, **options)
    assert not result.failed, [f"{found.code} {found.message}" for found in result.diagnostics]
    return json.loads(result.output())


def told(value: Any, **options: Any) -> list[tuple[str, str]]:
    return [(found.code, found.severity) for found in compiled(value, **options).diagnostics]


def file(filesystem: str, path: str, **keys: Any) -> dict[str, Any]:
    return {"filesystem": filesystem, "path": path, "mode": 420, "contents": {"source": "data:,x"}, **keys}


def config(version: str = "2.3.0", **storage: Any) -> dict[str, Any]:
    return {"ignition": {"version": version}, "storage": storage}


DATA = {"name": "data", "mount": {"device": "/dev/disk/by-label/DATA", "format": "ext4", "label": "DATA"}}


def mount_unit(what: str, where: str) -> dict[str, Any]:
    return {"name": f"{where.strip('/').replace('/', '-')}.mount", "contents": f"[Mount]\nWhat={what}\nWhere={where}\n"}


# ---- places --------------------------------------------------------------------------------------------------------


@by_taken
def test_every_leaf_of_the_output_has_a_place_in_the_source(path: Path) -> None:
    result = compiled(path.read_bytes())
    assert result.config is not None
    assert result.author is not None
    leaves = list(source_map(result.config))
    assert leaves
    assert not [
        leaf.pointer for leaf in leaves if result.author.place(leaf.record, leaf.row.name, leaf.item) is None
    ]  # fmt: skip


@by_taken
def test_a_config_is_written_in_every_version_where_losses_are_allowed(path: Path) -> None:
    for target in TARGETS:
        assert written(path.read_bytes(), target=target, lossy=True)["ignition"]["version"] == target


@pytest.mark.parametrize("release", releases_of("ignition2"), ids=lambda release: release.version)
def test_every_version_is_taken(release: Any) -> None:
    assert written({"ignition": {"version": release.version}}) == {"ignition": {"version": "3.1.0"}}


# ---- where file systems are mounted --------------------------------------------------------------------------------


def test_the_caller_says_where_a_file_system_is_mounted() -> None:
    storage = written(config(filesystems=[DATA], files=[file("data", "/a")]), fsmap=(("data", "/srv/data/"),))[
        "storage"
    ]
    assert storage["filesystems"][0]["path"] == "/srv/data"
    assert storage["files"][0]["path"] == "/srv/data/a"


def test_a_file_system_that_is_not_defined_here_can_be_mapped() -> None:
    document = config(files=[file("oem", "/grub.cfg", append=True)])
    assert told(document) == [("PV205", "error")]
    assert written(document, fsmap=(("oem", "/oem"),))["storage"]["files"][0]["path"] == "/oem/grub.cfg"


@pytest.mark.parametrize("what", ["/dev/disk/by-label/DATA", "LABEL=DATA"])
def test_a_mount_unit_of_the_same_device_says_where_a_file_system_is(what: str) -> None:
    document = config(filesystems=[DATA], files=[file("data", "/a")])
    document["systemd"] = {"units": [mount_unit(what, "/var/data")]}
    assert written(document)["storage"]["files"][0]["path"] == "/var/data/a"


def test_two_mount_units_leave_the_place_open() -> None:
    document = config(filesystems=[DATA], files=[file("data", "/a")])
    document["systemd"] = {"units": [mount_unit("LABEL=DATA", "/a"), mount_unit("LABEL=DATA", "/b")]}
    assert ("PV205", "error") in told(document)


def test_the_root_of_container_linux_is_the_root_under_any_name() -> None:
    root = {"name": "rootfs", "mount": {"device": "/dev/disk/by-label/ROOT", "format": "btrfs"}}
    storage = written(config(filesystems=[root], files=[file("rootfs", "/a")]))["storage"]
    assert (storage["filesystems"][0]["path"], storage["files"][0]["path"]) == ("/", "/a")


def test_a_file_system_without_files_needs_no_place() -> None:
    document = config(filesystems=[DATA])
    assert not told(document)
    assert "path" not in written(document)["storage"]["filesystems"][0]


def test_one_file_system_without_a_place_is_told_once() -> None:
    document = config(filesystems=[DATA], files=[file("data", f"/{name}") for name in "abc"])
    assert told(document) == [("PV205", "error")]


def test_what_cannot_be_carried_is_left_out_on_request() -> None:
    document = config(
        filesystems=[DATA],
        files=[file("data", "/a"), file("root", "/b", contents={"source": "oem:///b"}), file("root", "/c")],
    )
    assert told(document) == [("PV205", "error"), ("PV204", "error")]
    assert told(document, lossy=True) == [("PV205", "warning"), ("PV204", "warning")]
    assert [each["path"] for each in written(document, lossy=True)["storage"]["files"]] == ["/c"]


@pytest.mark.parametrize("wrong", [{"mode": 99999}, {"user": {"id": 1, "name": "x"}}, {"contents": {"source": "x://"}}])
def test_what_is_left_out_is_checked_all_the_same(wrong: dict[str, Any]) -> None:
    assert "error" in [severity for _, severity in told(config(files=[file("nowhere", "/a", **wrong)]), lossy=True)]


# ---- the older versions --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "mode", "owner"), [("2.0.0", 0, {"id": 0}), ("2.1.0", 0, None), ("2.2.0", None, None), ("2.4.0", None, None)]
)  # fmt: skip
def test_what_is_not_given_means_what_it_meant_in_its_version(version: str, mode: int | None, owner: Any) -> None:
    document = config(version, files=[{"filesystem": "root", "path": "/a"}])
    (found,) = written(document)["storage"]["files"]
    assert (found.get("mode"), found.get("user"), found.get("group")) == (mode, owner, owner)


def test_an_empty_hash_locks_the_password_only_since_it_can_be_empty() -> None:
    def user(version: str) -> Any:
        document = {"ignition": {"version": version}, "passwd": {"users": [{"name": "core", "passwordHash": ""}]}}
        return written(document)["passwd"]["users"][0].get("passwordHash")

    assert (user("2.0.0"), user("2.1.0")) == (None, "")


def test_a_single_partition_without_number_and_label_gets_the_empty_label() -> None:
    def labels(version: str, *partitions: dict[str, Any]) -> list[Any]:
        document = config(version, disks=[{"device": "/dev/vdb", "partitions": partitions}])
        return [part.get("label") for part in written(document)["storage"]["disks"][0]["partitions"]]

    assert labels("2.3.0", {"sizeMiB": 1}, {"number": 1, "sizeMiB": 1}) == ["", None]
    assert labels("2.2.0", {"number": 1, "size": 2048}, {"number": 2, "size": 2048, "label": ""}) == [None, None]
    assert labels("2.3.0", {"number": 1, "label": ""}, {"number": 2, "label": ""}) == [None, None]
    assert labels("2.3.0", {"number": 1, "label": "a:b"}, {"number": 2, "label": "b"}) == ["a", "b"]


def test_sectors_beyond_a_whole_mib_are_an_error_and_rounded_up_on_request() -> None:
    document = config(
        "2.2.0", disks=[{"device": "/dev/vdb", "partitions": [{"number": 1, "start": 2048, "size": 2049}]}]
    )
    assert told(document) == [("PV208", "error")]
    (part,) = written(document, lossy=True)["storage"]["disks"][0]["partitions"]
    assert (part["startMiB"], part["sizeMiB"]) == (1, 2)


def test_a_start_that_is_no_whole_mib_was_an_error_before() -> None:
    document = config("2.2.0", disks=[{"device": "/dev/vdb", "partitions": [{"number": 1, "start": 1, "size": 2048}]}])
    assert told(document, lossy=True) == [("PV208", "error")]


# ---- documents with mistakes ---------------------------------------------------------------------------------------

ODD: tuple[Any, ...] = (
    None, "", "x", 0, -1, 1.5, 2**70, True, [], {}, [None], [[]], [{}], {"a": 1}, "/", "//", "/a/../b", "data:,%", "oem:///x",
    "\ud800", "\x00", "[Mount]\nWhat=/dev/a\nWhere=/b\n", "root", "2.0.0", "2.1.0", "2.4.0", 2047, 4096,
)  # fmt: skip
Place = tuple[Any, Any]
Mutation = Callable[[list[Place], random.Random], None]


def places(value: Any) -> list[Place]:
    """Every place of a value in its mapping or list, deepest last."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, item in inside for place in ((value, key), *places(item))]


def replace(found: list[Place], chance: random.Random) -> None:
    holder, key = chance.choice(found)
    holder[key] = chance.choice(ODD)


def delete(found: list[Place], chance: random.Random) -> None:
    holder, key = chance.choice(found)
    del holder[key]


def double(found: list[Place], chance: random.Random) -> None:
    holder, key = chance.choice(found)
    copy = json.loads(json.dumps(holder[key]))
    if isinstance(holder, list):
        holder.append(copy)
    else:
        holder[str(key).upper()] = copy


def move(found: list[Place], chance: random.Random) -> None:
    (holder, key), (other, name) = chance.choice(found), chance.choice(found)
    holder[key] = json.loads(json.dumps(other[name]))


MUTATIONS: tuple[Mutation, ...] = (replace, delete, double, move)
MUTANTS_EACH = 180


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_no_mutant_ends_in_an_exception(path: Path) -> None:
    for number in range(MUTANTS_EACH):
        chance = random.Random(f"{path.name} {number}")
        value = json.loads(path.read_text())
        for mutate in chance.choices(MUTATIONS, k=chance.choice((1, 1, 2, 4))):
            found = places(value)
            if found:
                mutate(found, chance)
        text = json.dumps(value, indent=chance.choice((None, 1)))
        options = Options(target=chance.choice((None, *TARGETS)), lossy=chance.random() < 0.5, fsmap=(("data", "/x"),))
        try:
            result = compile_document(text.encode(), path.name, options)
            assert all(found.code in CODES and found.span.line >= 1 for found in result.diagnostics)
            if not result.failed:
                json.loads(result.output())
        except BaseException as error:
            error.add_note(f"{path.name}, mutant {number}, {options.target}: {text}")
            raise


def test_there_are_enough_mutants() -> None:
    assert len(DOCUMENTS) * MUTANTS_EACH >= 2000


def test_many_pieces_of_one_file_are_checked_once() -> None:
    pieces = [
        {"filesystem": "root", "path": "/a", "mode": 420, "append": True, "contents": {"source": f"data:,{number}"}}
        for number in range(3000)
    ]
    config = {"ignition": {"version": "2.3.0"}, "storage": {"files": pieces}}
    start = process_time()
    result = compile_document(json.dumps(config).encode(), "case.ign")
    assert process_time() - start < 4
    assert result.config is not None
    assert [len(file.append) for file in result.config.storage.files] == [3000]
