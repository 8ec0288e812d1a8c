"""What follows from the rows: encoding and decoding, Ignition's merge, the upgrade, and what `repr` may show."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import SECRET, apart, configs, records

from provision import ignition
from provision.ignition import (
    NEWEST,
    SPECS,
    Clevis,
    ClevisCustom,
    Config,
    ConfigReference,
    ConfigReferences,
    Directory,
    Disk,
    Dropin,
    File,
    FileContents,
    Filesystem,
    HttpHeader,
    Ignition,
    KernelArguments,
    Link,
    Luks,
    NodeUser,
    Partition,
    Passwd,
    Proxy,
    Raid,
    Resource,
    Security,
    Storage,
    Systemd,
    Tang,
    Timeouts,
    Tls,
    Unit,
    User,
    Verification,
    upgrade,
)
from provision.record import (
    JsonSource,
    Problem,
    Record,
    Spec,
    View,
    decode,
    encode,
    merge,
    source_map,
    spec,
    transform,
    walk,
)
from provision.transpile.butane import boot_device, grub, openshift, quadlets, trees

AT = [spec(version) for version in SPECS]
ALL_CLASSES = sorted(
    {
        cls
        for module in (ignition, boot_device, grub, openshift, quadlets, trees)
        for cls in vars(module).values()
        if isinstance(cls, type) and issubclass(cls, Record) and cls is not Record
    },
    key=lambda cls: cls.__name__,
)
thorough = settings(max_examples=30, deadline=None)


def read(document: Any, at: Spec) -> Config:
    problems: list[Problem] = []
    config = decode(Config, document, View(at), JsonSource(), problems)
    assert not problems
    return config


# ---- encode and decode ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", AT, ids=SPECS)
@thorough
@given(st.data())
def test_decode_after_encode_gives_the_record(at: Spec, data: st.DataObject) -> None:
    config = data.draw(configs(at))
    assert read(json.loads(json.dumps(encode(config, at))), at) == config


@pytest.mark.parametrize("at", AT, ids=SPECS)
@thorough
@given(st.data())
def test_encode_after_decode_gives_the_json(at: Spec, data: st.DataObject) -> None:
    written = encode(data.draw(configs(at, canonical=False)), at)
    once = encode(read(written, at), at)
    assert json.dumps(encode(read(once, at), at)) == json.dumps(once)
    if at >= (3, 3):  # before, an empty section of Clevis stays
        assert json.dumps(once) == json.dumps(written)


@thorough
@given(configs())
def test_the_source_map_has_every_leaf_of_the_output_in_its_order(config: Config) -> None:
    assert [leaf.pointer for leaf in source_map(config)] == list(pointers(encode(config, NEWEST)))


def pointers(value: Any, here: str = "") -> Iterator[str]:
    """The JSON pointers of all leaves."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from pointers(inner, f"{here}/{key}")
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from pointers(inner, f"{here}/{i}")
    else:
        yield here


@thorough
@given(configs())
def test_walk_visits_every_section_that_was_given_once_parents_first(config: Config) -> None:
    found = list(walk(config))
    assert found[0] is config
    assert len({id(record) for record in found}) == len(found)
    for record in found:
        for row, value in record.given():
            inside = [value] if row.kind == "record" and value is not None else value if row.kind == "records" else ()
            for inner in inside:
                assert any(other is inner for other in found)


# ---- what is written and what is left out ------------------------------------------------------------------------

OMISSIONS: list[tuple[Record, Spec, dict[str, Any]]] = [
    (Config(ignition=Ignition(version="")), NEWEST, {"ignition": {"version": ""}}),
    (Config(ignition=Ignition(version="3.5.0")), (3, 5), {"ignition": {"version": "3.5.0"}}),
    (Config(storage=Storage(), passwd=Passwd(users=()), ignition=Ignition(version="")), NEWEST, {"ignition": {"version": ""}}),
    (Storage(files=(), disks=()), NEWEST, {}),
    (File(path=""), NEWEST, {"path": ""}),
    (File(path="/a", mode=0, overwrite=False), NEWEST, {"overwrite": False, "path": "/a", "mode": 0}),
    (File(path="/a", user=NodeUser(), contents=FileContents()), NEWEST, {"path": "/a"}),
    (File(path="/a", user=NodeUser(id=0)), NEWEST, {"path": "/a", "user": {"id": 0}}),
    (File(path="/a", user=NodeUser(name="")), NEWEST, {"path": "/a", "user": {"name": ""}}),
    (FileContents(compression="", source=""), NEWEST, {"compression": "", "source": ""}),
    (FileContents(verification=Verification()), NEWEST, {}),
    (Partition(), NEWEST, {}),
    (Partition(number=0, label="", size_mib=0, start_mib=0), NEWEST, {"label": "", "sizeMiB": 0, "startMiB": 0}),
    (Partition(number=1, should_exist=False), NEWEST, {"number": 1, "shouldExist": False}),
    (Disk(device=""), NEWEST, {"device": ""}),
    (Disk(device="/d", wipe_table=False), NEWEST, {"device": "/d", "wipeTable": False}),
    (Filesystem(device="", format=""), NEWEST, {"device": "", "format": ""}),
    (Raid(name=""), NEWEST, {"name": ""}),
    (Raid(name=""), (3, 2), {"level": "", "name": ""}),
    (Link(path="/l"), NEWEST, {"path": "/l"}),
    (Link(path="/l"), (3, 2), {"path": "/l", "target": ""}),
    (Tang(), NEWEST, {}),
    (Tang(url="", thumbprint=""), NEWEST, {"thumbprint": ""}),
    (Luks(name="l", clevis=Clevis()), NEWEST, {"name": "l"}),
    (Luks(name="l", clevis=Clevis()), (3, 2), {"clevis": {}, "name": "l"}),
    (Clevis(custom=ClevisCustom()), (3, 2), {"custom": {"config": "", "pin": ""}}),
    (Clevis(custom=ClevisCustom()), NEWEST, {}),
    (Clevis(threshold=0, tpm2=False), NEWEST, {"threshold": 0, "tpm2": False}),
    (ConfigReferences(merge=(ConfigReference(),)), (3, 0), {"merge": [{"source": None}]}),
    (ConfigReferences(merge=(ConfigReference(),)), (3, 1), {"merge": [{}]}),
    (HttpHeader(name="a", value=None), NEWEST, {"name": "a"}),
    (HttpHeader(name=""), NEWEST, {"name": ""}),
    (Unit(name="a", dropins=(Dropin(name=""),), contents=""), NEWEST, {"contents": "", "dropins": [{"name": ""}], "name": "a"}),
    (User(name="", groups=(), uid=0), NEWEST, {"name": "", "uid": 0}),
    (Timeouts(http_total=0), NEWEST, {"httpTotal": 0}),
    (Ignition(version="", security=Security(tls=Tls())), NEWEST, {"version": ""}),
    (Proxy(no_proxy=("a",)), NEWEST, {"noProxy": ["a"]}),
]  # fmt: skip


@pytest.mark.parametrize(("record", "at", "written"), OMISSIONS)
def test_unset_and_empty_values_are_left_out_and_nullable_zeros_stay(
    record: Record, at: Spec, written: dict[str, Any]
) -> None:
    assert encode(record, at) == written


NODE_ORDER = ("group", "overwrite", "path", "user")
KEY_ORDERS: dict[type[Record], tuple[str, ...]] = {
    File: (*NODE_ORDER, "append", "contents", "mode"),
    Link: (*NODE_ORDER, "hard", "target"),
    Directory: (*NODE_ORDER, "mode"),
}


@pytest.mark.parametrize("cls", [cls for cls in ALL_CLASSES if cls.__module__ == ignition.__name__])
def test_keys_stand_in_the_order_of_ignitions_own_declarations(cls: type[Record]) -> None:
    def exported(key: str) -> str:
        return "SSHAuthorizedKeys" if key == "sshAuthorizedKeys" else key[0].upper() + key[1:]

    keys = [row.key for row in cls.rows.values()]
    assert keys == (list(KEY_ORDERS[cls]) if cls in KEY_ORDERS else sorted(keys, key=exported))


@thorough
@given(st.data())
def test_the_order_of_keys_does_not_depend_on_the_order_in_which_they_were_given(data: st.DataObject) -> None:
    config = data.draw(configs())
    shuffled = shuffle(json.loads(json.dumps(encode(config, NEWEST))), data)
    assert json.dumps(encode(read(shuffled, NEWEST), NEWEST)) == json.dumps(encode(config, NEWEST))


def shuffle(value: Any, data: st.DataObject) -> Any:
    if isinstance(value, dict):
        return {key: shuffle(value[key], data) for key in data.draw(st.permutations(list(value)))}
    return [shuffle(item, data) for item in value] if isinstance(value, list) else value


# ---- decode -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "wanted"),
    [
        ([], "object"), ("x", "object"), ({"storage": []}, "object"), ({"storage": {"files": {}}}, "list"), ({"stor": {}}, "key"),
        ({"storage": {"files": [1]}}, "object"), ({"storage": {"files": [{}]}}, "missing"), ({"storage": {"files": [{"path": 1}]}}, "str"),
        ({"storage": {"files": [{"path": None}]}}, "missing"), ({"storage": {"files": [{"path": "/", "mode": "1"}]}}, "int"),
        ({"storage": {"files": [{"path": "/", "mode": True}]}}, "int"), ({"storage": {"files": [{"path": "/", "mode": 1.5}]}}, "int"),
        ({"storage": {"files": [{"path": "/", "mode": 2**63}]}}, "int"), ({"storage": {"files": [{"path": "/", "overwrite": 1}]}}, "bool"),
        ({"kernelArguments": {"shouldExist": "a"}}, "list"), ({"kernelArguments": {"shouldExist": [1]}}, "str"), ({"Storage": {}}, "key"),
        ({"storage": {"files": [None]}}, "missing"), ({"storage": {"Files": []}}, "key"),
    ],
)  # fmt: skip
def test_decode_is_strict(document: Any, wanted: str) -> None:
    problems: list[Problem] = []
    decode(Config, document, View(NEWEST), JsonSource(), problems)
    assert [problem.wanted for problem in problems] == [wanted]


def test_keys_of_later_specs_are_unknown() -> None:
    for at in AT:
        problems: list[Problem] = []
        decode(
            Config,
            {"kernelArguments": {}, "storage": {"luks": []}, "ignition": {"proxy": {}}},
            View(at),
            JsonSource(),
            problems,
        )
        first = {"kernelArguments": (3, 3), "luks": (3, 2), "proxy": (3, 1)}
        assert sorted(problem.key for problem in problems) == sorted(key for key, since in first.items() if at < since)


@thorough
@given(configs())
def test_null_is_the_same_as_unset(config: Config) -> None:
    def with_nulls(record: Record) -> dict[str, Any]:
        out: dict[str, Any] = {row.key: None for row in type(record).rows.values()}
        for row, value in record.given():
            if row.kind == "record":
                out[row.key] = None if value is None else with_nulls(value)
            elif row.kind == "records":
                out[row.key] = [with_nulls(item) for item in value] or None
            else:
                out[row.key] = list(value) or None if row.kind == "strs" else value
        return out

    assert encode(read(with_nulls(config), NEWEST), NEWEST) == encode(config, NEWEST)


# ---- merge ------------------------------------------------------------------------------------------------------


@thorough
@given(configs())
def test_an_empty_config_changes_nothing_on_either_side(config: Config) -> None:
    assert merge(Config(), config) == config
    assert merge(config, Config()) == config
    assert merge(Storage(), config.storage) == config.storage
    assert merge(config.storage, Storage()) == config.storage


@thorough
@given(configs(), configs(), configs())
def test_merging_is_associative_where_no_entry_gives_way_to_one_of_another_kind(
    one: Config, two: Config, three: Config
) -> None:
    one, two, three = apart(one), apart(two), apart(three)
    assert merge(merge(one, two), three) == merge(one, merge(two, three))


def test_merging_is_not_associative_where_a_file_gives_way_to_a_link() -> None:
    one = Storage(files=(File(path="/a", mode=1),))
    two = Storage(links=(Link(path="/a", target="/t"),))
    three = Storage(files=(File(path="/a", overwrite=True),))
    assert merge(merge(one, two), three) == three
    assert merge(one, merge(two, three)) == Storage(files=(File(path="/a", mode=1, overwrite=True),))


@thorough
@given(configs(), configs())
def test_the_childs_scalars_win_and_the_parents_stay_where_it_says_nothing(parent: Config, child: Config) -> None:
    merged = merge(parent, child)
    for ours, theirs, both in (
        (child.ignition.timeouts, parent.ignition.timeouts, merged.ignition.timeouts),
        (child.ignition.proxy, parent.ignition.proxy, merged.ignition.proxy),
    ):
        for name, row in type(both).rows.items():
            if row.kind in ("str", "int", "bool"):
                value = getattr(ours, name)
                assert getattr(both, name) == (getattr(theirs, name) if value is None else value)
    users = {user.name: user for user in child.passwd.users}
    for old in parent.passwd.users:
        (new,) = (user for user in merged.passwd.users if user.name == old.name)
        mine = users.get(old.name, User(name=old.name))
        assert new.uid == (old.uid if mine.uid is None else mine.uid)


@thorough
@given(configs(), configs())
def test_keyed_lists_keep_the_parents_positions_and_append_the_childs(parent: Config, child: Config) -> None:
    merged = merge(parent, child)
    for path, key in (
        ("systemd.units", "name"),
        ("passwd.users", "name"),
        ("storage.disks", "device"),
        ("storage.filesystems", "device"),
    ):
        section, name = path.split(".")

        def keys(config: Config, section: str = section, name: str = name, key: str = key) -> list[str]:
            return [getattr(item, key) for item in getattr(getattr(config, section), name)]

        assert keys(merged) == [*keys(parent), *(other for other in keys(child) if other not in keys(parent))]


@thorough
@given(configs(), configs())
def test_no_path_stands_in_two_lists_after_a_merge(parent: Config, child: Config) -> None:
    storage = merge(parent, child).storage
    paths = [node.path for nodes in (storage.directories, storage.files, storage.links) for node in nodes]
    assert len(paths) == len(set(paths))
    childs = {
        node.path for nodes in (child.storage.directories, child.storage.files, child.storage.links) for node in nodes
    }
    assert childs <= set(paths)
    arguments = merge(parent, child).kernel_arguments
    if not set(child.kernel_arguments.should_exist) & set(child.kernel_arguments.should_not_exist) and not (
        set(parent.kernel_arguments.should_exist) & set(parent.kernel_arguments.should_not_exist)
    ):
        assert not set(arguments.should_exist) & set(arguments.should_not_exist)


def storage(**lists: Any) -> Config:
    return Config(storage=Storage(**lists))


MERGES: list[tuple[str, Record, Record, Record]] = [
    (
        "option lists concatenate, the parent's first",
        Filesystem(device="/d", options=("a", "b"), mount_options=("x",)),
        Filesystem(device="/d", options=("b", "c"), mount_options=("y",)),
        Filesystem(device="/d", options=("a", "b", "b", "c"), mount_options=("x", "y")),
    ),
    (
        "appended pieces concatenate",
        File(path="/a", append=(FileContents(source="1"),)),
        File(path="/a", append=(FileContents(source="1"),)),
        File(path="/a", append=(FileContents(source="1"), FileContents(source="1"))),
    ),
    (
        "string lists with identity are sets",
        Raid(name="r", devices=("/b", "/a")),
        Raid(name="r", devices=("/c", "/a")),
        Raid(name="r", devices=("/b", "/a", "/c")),
    ),
    (
        "a null header takes the parent's away",
        Resource(source="u", http_headers=(HttpHeader(name="a", value="1"), HttpHeader(name="b", value="2"))),
        Resource(http_headers=(HttpHeader(name="a", value=None), HttpHeader(name="c", value="3"))),
        Resource(source="u", http_headers=(HttpHeader(name="b", value="2"), HttpHeader(name="c", value="3"))),
    ),
    (
        "a null header that meets none stays",
        Resource(source="u", http_headers=(HttpHeader(name="b", value="2"),)),
        Resource(http_headers=(HttpHeader(name="a", value=None),)),
        Resource(source="u", http_headers=(HttpHeader(name="b", value="2"), HttpHeader(name="a", value=None))),
    ),
    (
        "a header's value is the child's",
        Resource(source="u", http_headers=(HttpHeader(name="a", value="1"),)),
        Resource(http_headers=(HttpHeader(name="a", value="2"),)),
        Resource(source="u", http_headers=(HttpHeader(name="a", value="2"),)),
    ),
    (
        "partitions go by their number, else by their label",
        Disk(device="/d", partitions=(Partition(number=1, label="a"), Partition(label="b"), Partition(number=3))),
        Disk(device="/d", partitions=(Partition(label="b", size_mib=5), Partition(number=1, size_mib=6), Partition(label="a"))),
        Disk(
            device="/d",
            partitions=(
                Partition(number=1, label="a", size_mib=6), Partition(label="b", size_mib=5), Partition(number=3), Partition(label="a"),
            ),
        ),
    ),
    (
        "a path of the child takes the place of any kind of entry",
        Storage(files=(File(path="/a"), File(path="/b")), directories=(Directory(path="/c"),)),
        Storage(links=(Link(path="/a", target="/t"), Link(path="/c", target="/t"))),
        Storage(files=(File(path="/b"),), directories=(), links=(Link(path="/a", target="/t"), Link(path="/c", target="/t"))),
    ),
    (
        "an argument of the child changes sides",
        KernelArguments(should_exist=("a", "b"), should_not_exist=("c",)),
        KernelArguments(should_exist=("c",), should_not_exist=("a",)),
        KernelArguments(should_exist=("b", "c"), should_not_exist=("a",)),
    ),
    (
        "false, zero and empty texts of the child are values",
        User(name="u", uid=5, system=True, gecos="g", home_dir="/h"),
        User(name="u", uid=0, system=False, gecos=""),
        User(name="u", uid=0, system=False, gecos="", home_dir="/h"),
    ),
    (
        "units and their drop-ins go by name",
        Systemd(units=(Unit(name="a", enabled=True, dropins=(Dropin(name="1", contents="x"),)), Unit(name="b"))),
        Systemd(units=(Unit(name="c"), Unit(name="a", contents="t", dropins=(Dropin(name="2"), Dropin(name="1", contents="y"))))),
        Systemd(
            units=(
                Unit(name="a", enabled=True, contents="t", dropins=(Dropin(name="1", contents="y"), Dropin(name="2"))),
                Unit(name="b"),
                Unit(name="c"),
            )
        ),
    ),
    (
        "configs to merge go by their source",
        ConfigReferences(merge=(ConfigReference(source="a"), ConfigReference(source="b"))),
        ConfigReferences(merge=(ConfigReference(source="b", compression="gzip"), ConfigReference(source="c"))),
        ConfigReferences(
            merge=(ConfigReference(source="a"), ConfigReference(source="b", compression="gzip"), ConfigReference(source="c"))
        ),
    ),
    (
        "a nullable section merges field by field",
        Luks(name="l", clevis=Clevis(tpm2=True, threshold=2)),
        Luks(name="l", clevis=Clevis(threshold=1)),
        Luks(name="l", clevis=Clevis(tpm2=True, threshold=1)),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("parent", "child", "merged"), [row[1:] for row in MERGES], ids=[row[0] for row in MERGES])
def test_merging(parent: Record, child: Record, merged: Record) -> None:
    assert merge(parent, child) == merged


def test_a_merged_record_stands_where_the_author_wrote_it_and_its_inherited_fields_where_the_sugar_did() -> None:
    sugar, author = object(), object()
    parent = Unit(name="a", enabled=True).at(sugar)
    child = Unit(name="a", contents="x").changed(_origin=author)
    merged = merge(parent, child)
    assert merged.origin is author
    assert merged.spot("enabled") is sugar
    assert merged.spot("contents") is None


# ---- upgrade ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", AT, ids=SPECS)
@thorough
@given(st.data())
def test_an_upgrade_changes_the_version_and_old_modes_only(at: Spec, data: st.DataObject) -> None:
    config = data.draw(configs(at))
    upgraded = upgrade(config, at)
    assert upgraded.ignition.version == SPECS[-1]
    mask = 0o777 if at < (3, 6) else -1
    old: Any
    new: Any
    for old, new in zip(
        (*config.storage.files, *config.storage.directories),
        (*upgraded.storage.files, *upgraded.storage.directories),
        strict=True,
    ):
        assert new.mode == (None if old.mode is None else old.mode & mask)
        assert new.changed(mode=None) == old.changed(mode=None)
    same = dict(files=(), directories=())
    assert upgraded.storage.changed(**same) == config.storage.changed(**same)
    assert upgraded.changed(storage=Storage(), ignition=Ignition(version="")) == config.changed(
        storage=Storage(), ignition=Ignition(version="")
    )
    assert upgraded.ignition.changed(version="") == config.ignition.changed(version="")
    assert upgrade(upgraded, NEWEST) == upgraded


# ---- records ----------------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(configs(secret=SECRET))
def test_repr_never_shows_a_secret(config: Config) -> None:
    for record in walk(config):
        assert SECRET not in repr(record)
    assert SECRET in json.dumps(encode(config, NEWEST)) or not any(
        row.secret and value is not None for record in walk(config) for row, value in record.given()
    )


def test_what_must_not_be_shown_is_marked_secret() -> None:
    secret = {f"{cls.__name__}.{row.name}" for cls in ALL_CLASSES for row in cls.rows.values() if row.secret}
    assert {
        "User.password_hash", "Group.password_hash", "Resource.source", "FileContents.source", "ConfigReference.source",
        "HttpHeader.value", "Proxy.http_proxy", "Proxy.https_proxy", "GrubUser.password_hash",
    } <= secret  # fmt: skip


def test_repr_shows_what_was_given_and_differs_from_the_default() -> None:
    assert (
        repr(User(name="core", uid=None, gecos="", password_hash="x")) == "User(gecos='', name='core', password_hash=…)"
    )
    assert repr(Storage(files=(File(path="/a"),))) == "Storage(files=(File(path='/a'),))"


@pytest.mark.parametrize("cls", ALL_CLASSES)
def test_an_unknown_keyword_is_a_type_error_that_names_it(cls: type[Record]) -> None:
    with pytest.raises(TypeError, match=f"{cls.__name__} has no misspelt, wrong"):
        cls(wrong=1, misspelt=2)


@pytest.mark.parametrize("cls", ALL_CLASSES)
def test_every_row_has_a_meaning_and_a_default_of_its_kind(cls: type[Record]) -> None:
    made = cls()
    for name, row in cls.rows.items():
        assert row.doc.endswith("."), name
        assert getattr(made, name) == row.default
        assert row.nullable or row.default is not None
        assert row.ge is None or row.kind == "int"


def test_records_of_different_classes_are_never_equal() -> None:
    assert Directory(path="/a") != File(path="/a")
    assert File(path="/a") != "x"
    assert File(path="/a", mode=None) == File(path="/a")


@thorough
@given(configs())
def test_transform_shares_what_stays_the_same(config: Config) -> None:
    assert transform(config, {}) is config
    assert transform(config, {File: lambda file: file, User: lambda user: user}) is config
    changed = transform(config, {File: lambda file: file.changed(mode=7)})
    assert [file.mode for file in changed.storage.files] == [7] * len(config.storage.files)
    assert changed.passwd is config.passwd
    assert changed.systemd is config.systemd
    assert changed.storage.links is config.storage.links
    if not config.storage.files:
        assert changed is config


def test_transform_changes_records_from_the_inside_out() -> None:
    seen: list[str] = []

    def note(record: Any) -> Any:
        seen.append(type(record).__name__)
        return record

    config = storage(files=(File(path="/a", contents=FileContents(source="x")),))
    assert transform(config, {FileContents: note, File: note, Storage: note, Config: note}) is config
    assert seen == ["FileContents", "File", "Storage", "Config"]


@thorough
@given(records(File))
def test_a_changed_copy_leaves_the_record_as_it_was(file: File) -> None:
    before = encode(file, NEWEST)
    copy = file.changed(mode=1, path="/changed")
    assert (copy.mode, copy.path) == (1, "/changed")
    assert encode(file, NEWEST) == before
    assert copy.origin is file.origin


# ---- what is missing --------------------------------------------------------------------------------------------


def test_a_missing_key_is_told_at_the_record_that_lacks_it() -> None:
    lacking = {"mode": 420, "contents": {"source": "data:,x"}}
    document = {"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/a"}, lacking]}}
    problems: list[Problem] = []
    decode(Config, document, View(spec("3.4")), JsonSource(), problems)
    (problem,) = problems
    assert (problem.wanted, problem.key) == ("missing", "path")
    assert problem.value is lacking


def test_a_merge_remembers_what_is_missing_unless_the_parent_has_it() -> None:
    def disk(value: dict[str, object]) -> Disk:
        return decode(Disk, value, View(spec("3.4")), JsonSource(), [])

    lacking = disk({"wipeTable": True})
    assert merge(disk({"partitions": [{"number": 1}]}), lacking).absent == {"device"}
    assert merge(Disk(device="/dev/vda"), lacking).absent == set()
