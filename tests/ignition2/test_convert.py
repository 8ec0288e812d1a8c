"""Configs in other versions of Ignition: what comes back as it was, what is refused, and what is left out on request."""

import json
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import configs

from provision.diagnostics import ProvisionError
from provision.ignition import SPECS, Clevis, Config, Directory, File, Luks, full_version, without_special_bits
from provision.record import JsonSource, Problem, Spec, View, decode, encode, spec, transform
from provision.schema import ignition2
from provision.transpile.author import Author, Options
from provision.transpile.compile import Compiled, compile_document
from provision.transpile.convert import convert, with_clevis_or_null, with_custom_or_null
from provision.versions import TARGETS

ROOT = Path(__file__).parent.parent.parent
CASES = ROOT / "tests" / "cases"
DOCUMENTS = sorted([
    *(CASES / "butane").glob("*.json"), *(CASES / "ignition2").glob("*.json"), *(ROOT / "samples").rglob("*.bu"),
    *(CASES / "ignition2").glob("*.ign"), *(ROOT / "samples" / "ignition2").glob("*.ign"),
])  # fmt: skip
SPEC = [spec(version) for version in SPECS]
OLD = ("2.2.0", "2.3.0", "2.4.0")
SECTORS = 2048
# How expected outputs spell the version where it does not matter.
ANY_VERSION, NEWEST_VERSION = b'"version":"*"', b'"version":"3.7.0-experimental"'


def compiled(value: Any, **options: Any) -> Compiled:
    data = value if isinstance(value, bytes) else json.dumps(value, indent=1).encode()
    return compile_document(data, "case.ign", Options(**options))


def written(value: Any, **options: Any) -> Any:
    """The output as JSON, of a document without errors."""
    result = compiled(value, **options)
    assert not result.failed, [f"{found.code} {found.message}" for found in result.diagnostics]
    return json.loads(result.output())


def told(value: Any, **options: Any) -> list[tuple[str, str, str]]:
    """Code, severity and message of what is said about a document."""
    return [(found.code, found.severity, found.message) for found in compiled(value, **options).diagnostics]


def config(version: str, **sections: Any) -> dict[str, Any]:
    return {"ignition": {"version": version}, **sections}


def some_author(**options: Any) -> Author:
    author = compiled(config("3.0.0"), **options).author
    assert author is not None
    author.diagnostics.clear()
    return author


# ---- up and down among 3.x -----------------------------------------------------------------------------------------


def without_nothings(wanted: Config, low: Spec, high: Spec) -> Config:
    """A config without what is not carried beyond a version: sections that mean nothing, bits without effect."""
    if low < (3, 3) and low < high:
        wanted = transform(wanted, {Luks: with_clevis_or_null, Clevis: with_custom_or_null})
    if low < (3, 6) <= high:
        wanted = transform(wanted, {File: without_special_bits, Directory: without_special_bits})
    return wanted


@given(st.data(), st.sampled_from(SPEC), st.sampled_from(SPEC))
def test_a_config_goes_up_and_comes_down_as_it_was(data: st.DataObject, one: Spec, other: Spec) -> None:
    low, high = min(one, other), max(one, other)
    wanted = data.draw(configs(low))
    author = some_author()
    above = convert(wanted, low, full_version(high), author)
    assert isinstance(above, Config)
    assert above.ignition.version == full_version(high)
    below = convert(above, high, full_version(low), author)
    assert isinstance(below, Config)
    assert not author.diagnostics
    back = below.changed(ignition=below.ignition.changed(version=wanted.ignition.version))
    assert encode(back, low) == encode(without_nothings(wanted, low, high), low)


@given(st.data(), st.sampled_from(SPEC), st.sampled_from(SPEC))
def test_what_comes_down_has_only_fields_of_its_version(data: st.DataObject, one: Spec, other: Spec) -> None:
    low, high = min(one, other), max(one, other)
    below = convert(data.draw(configs(high)), high, full_version(low), some_author(lossy=True))
    problems: list[Problem] = []
    decode(Config, encode(below, low), View(low), JsonSource(), problems)
    assert not [problem for problem in problems if problem.wanted == "key"]


@given(st.data(), st.sampled_from(SPEC), st.sampled_from(OLD))
def test_what_comes_down_to_ignition_2_has_only_fields_of_its_version(
    data: st.DataObject, high: Spec, target: str
) -> None:
    below = convert(data.draw(configs(high)), high, target, some_author(lossy=True))
    problems: list[Problem] = []
    decode(ignition2.Config, encode(below, spec(target)), View(spec(target)), JsonSource(), problems)
    assert not [problem for problem in problems if problem.wanted == "key"]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_can_be_written_in_a_version_is_valid_in_it(path: Path) -> None:
    files = str(ROOT / "samples" / "files" if "samples" in path.parts else CASES / "files")
    data = path.read_bytes().replace(ANY_VERSION, NEWEST_VERSION)
    for target in TARGETS:
        result = compile_document(data, path.name, Options(files, raw=True, target=target, lossy=True))
        if result.failed:
            continue
        again = compile_document(result.output(), "again.ign", Options(lossy=True))
        assert again.release is not None
        assert again.release.version == target
        assert not again.failed, [f"{target} {found.code} {found.message}" for found in again.diagnostics]


NEWER: list[tuple[dict[str, Any], str, str]] = [
    ({"kernelArguments": {"shouldExist": ["quiet"]}}, "3.2.0", "`kernelArguments` exists from Ignition 3.3.0"),
    ({"storage": {"luks": [{"name": "a", "device": "/dev/a"}]}}, "3.1.0", "`luks` exists from Ignition 3.2.0"),
    ({"storage": {"luks": [{"name": "a", "device": "/dev/a", "discard": True}]}}, "3.3.0", "`discard` exists"),
    ({"storage": {"luks": [{"name": "a", "device": "/dev/a", "openOptions": ["-x"]}]}}, "3.3.0", "`openOptions` exists"),
    ({"storage": {"luks": [{"name": "a", "device": "/dev/a", "cex": {"enabled": True}}]}}, "3.4.0", "`cex` exists"),
    ({"passwd": {"users": [{"name": "a", "shouldExist": False}]}}, "3.1.0", "`shouldExist` exists from Ignition 3.2.0"),
    ({"passwd": {"groups": [{"name": "a", "shouldExist": False}]}}, "3.1.0", "`shouldExist` exists"),
    ({"storage": {"filesystems": [{"device": "/dev/a", "format": "xfs", "path": "/a", "mountOptions": ["x"]}]}}, "3.0.0",
     "`mountOptions` exists from Ignition 3.1.0"),
    ({"storage": {"disks": [{"device": "/dev/a", "partitions": [{"number": 1, "resize": True}]}]}}, "3.1.0",
     "`resize` exists from Ignition 3.2.0"),
]  # fmt: skip


@pytest.mark.parametrize(("sections", "target", "message"), NEWER, ids=lambda value: str(value)[:40])
def test_a_field_that_the_target_does_not_have_is_an_error_or_left_out(
    sections: dict[str, Any], target: str, message: str
) -> None:
    newest = config("3.6.0", **sections)
    ((code, severity, said),) = [found for found in told(newest, target=target) if found[0] == "PV212"]
    assert (code, severity) == ("PV212", "error")
    assert said.startswith(message)
    assert said.endswith(f"this config is for {target}")
    ((_, lighter, _),) = [found for found in told(newest, target=target, lossy=True) if found[0] == "PV212"]
    assert lighter == "warning"
    assert json.loads(compiled(newest, target=target, lossy=True).output())["ignition"]["version"] == target


def test_a_field_is_told_at_its_place() -> None:
    document = config("3.6.0", storage={"disks": [{"device": "/dev/a", "partitions": [{"number": 1, "resize": True}]}]})
    text = json.dumps(document, indent=1)
    (found,) = compiled(text.encode(), target="3.1.0").diagnostics
    assert text.split("\n")[found.span.line - 1].strip() == '"resize": true'


@pytest.mark.parametrize(
    "luks", [{"discard": False}, {"cex": {"enabled": False}}, {"openOptions": []}, {"clevis": {}}, {"cex": {}}], ids=str
)
def test_a_newer_field_that_says_nothing_is_left_out_without_a_word(luks: dict[str, Any]) -> None:
    document = config("3.6.0", storage={"luks": [{"name": "a", "device": "/dev/a", **luks}]})
    assert written(document, target="3.2.0")["storage"] == {"luks": [{"name": "a", "device": "/dev/a"}]}
    assert not told(document, target="3.2.0")


def test_who_shall_not_exist_is_left_out_where_that_cannot_be_said() -> None:
    document = config("3.2.0", passwd={"users": [{"name": "a"}, {"name": "b", "shouldExist": False}]})
    assert written(document, target="3.1.0", lossy=True)["passwd"] == {"users": [{"name": "a"}]}


def test_special_bits_do_not_go_below_the_version_that_honours_them() -> None:
    document = config("3.6.0", storage={"directories": [{"path": "/a", "mode": 0o1777}]})
    assert [found[:2] for found in told(document, target="3.5.0")] == [("PV213", "error")]
    assert written(document, target="3.5.0", lossy=True)["storage"] == {"directories": [{"path": "/a", "mode": 0o777}]}


def test_special_bits_without_effect_do_not_get_one() -> None:
    document = config("3.5.0", storage={"directories": [{"path": "/a", "mode": 0o1777}]})
    assert written(document, target="3.6.0")["storage"] == {"directories": [{"path": "/a", "mode": 0o777}]}


@pytest.mark.parametrize(
    ("sections", "target", "code"),
    [
        ({"files": [{"path": "/a", "contents": {"source": "gs://b/c"}}]}, "3.1.0", "PV801"),
        ({"files": [{"path": "/a", "contents": {"source": "arn:aws:s3:::b/c"}}]}, "3.3.0", "PV801"),
        ({"files": [{"path": "/a", "contents": {"source": "data:,", "verification": {"hash": "sha256-" + "0" * 64}}}]},
         "3.0.0", "PV805"),
        ({"files": [{"path": "/a", "contents": {"source": "gs://b/c"}}]}, "2.4.0", "PV801"),
        ({"files": [{"path": "/a", "contents": {"source": "data:,", "verification": {"hash": "sha256-" + "0" * 64}}}]},
         "2.4.0", "PV805"),
        ({"disks": [{"device": "/dev/a", "partitions": [
            {"number": 1, "startMiB": 1, "sizeMiB": 9}, {"number": 2, "startMiB": 5}]}]}, "2.2.0", "PV314"),
        ({"filesystems": [{"device": "/dev/a", "format": "none"}]}, "3.2.0", "PV341"),
        ({"filesystems": [{"device": "tag", "format": "virtiofs", "path": "/a"}]}, "3.6.0", "PV341"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_a_value_that_the_target_does_not_take_is_an_error(sections: dict[str, Any], target: str, code: str) -> None:
    found = [each[:2] for each in told(config("3.7.0-experimental", storage=sections), target=target, lossy=True)]
    assert (code, "error") in found


def test_a_version_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ProvisionError, match=r"known are 2\.2\.0, .*, 3\.7\.0-experimental"):
        compiled(config("3.0.0"), target="3.9.0")


# ---- down to Ignition 2 --------------------------------------------------------------------------------------------

names = st.sampled_from(("a", "b", "c", "ab"))
SOURCES = ("data:,a", "https://example.com/a", "")
owners = st.fixed_dictionaries({}, optional={"id": st.integers(0, 9)}) | st.fixed_dictionaries({"name": names})
fetched = st.fixed_dictionaries({"source": st.sampled_from(SOURCES)}, optional={"compression": st.just("gzip")})
options = st.sampled_from((["a"], ["b", "a"]))


def lists(item: st.SearchStrategy[Any], key: str) -> st.SearchStrategy[Any]:
    """Up to three items that differ in a key."""
    return st.lists(item, min_size=1, max_size=3).map(lambda all: list({each[key]: each for each in all}.values()))


def nodes(folder: str, **keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    paths = st.tuples(st.sampled_from(("", "/srv/data", "/srv")), names).map(lambda p: f"{p[0]}/{folder}/{p[1]}")
    needed = {"path": paths, **keys}
    return lists(
        st.fixed_dictionaries(needed, optional={"user": owners.filter(bool), "group": owners.filter(bool)}), "path"
    )


modes = st.integers(0, 0o777)
storages = st.fixed_dictionaries({}, optional={
    "directories": nodes("d", mode=modes, overwrite=st.booleans()),
    "files": nodes("f", mode=modes, overwrite=st.booleans(), contents=fetched),
    "links": nodes("l", target=names, overwrite=st.booleans()),
    "filesystems": lists(st.fixed_dictionaries(
        {"device": st.sampled_from(("/dev/vdb", "/dev/vdc")), "format": st.sampled_from(("xfs", "ext4"))},
        optional={"path": st.sampled_from(("/srv", "/srv/data", "/")), "label": names, "options": options},
    ), "device").filter(lambda all: len({fs.get("path", fs["device"]) for fs in all}) == len(all)),
    "raid": lists(st.fixed_dictionaries({"name": names, "level": st.just("raid1"), "devices": st.just(["/dev/a", "/dev/b"])}), "name"),
})  # fmt: skip
units = lists(
    st.fixed_dictionaries(
        {"name": names.map(lambda name: f"{name}.service")},
        optional={
            "enabled": st.booleans(), "contents": st.just("[Service]\nExecStart=/a\n[Install]\nWantedBy=multi-user.target\n"),
            "dropins": lists(st.fixed_dictionaries({"name": names.map(lambda n: f"{n}.conf"), "contents": st.just("[Unit]\n")}), "name"),
        },
    ),
    "name",
)  # fmt: skip
users = lists(
    st.fixed_dictionaries(
        {"name": names},
        optional={"uid": st.integers(0, 9), "gecos": names, "groups": options, "noCreateHome": st.just(True),
                  "sshAuthorizedKeys": options, "passwordHash": names},
    ),
    "name",
)  # fmt: skip
common = st.fixed_dictionaries({}, optional={
    "storage": storages.filter(bool),
    "systemd": st.fixed_dictionaries({"units": units}),
    "passwd": st.fixed_dictionaries({"users": users}),
})  # fmt: skip


def without_defaults(value: Any) -> Any:
    """JSON without what means nothing in either version."""
    if isinstance(value, dict):
        inner = {key: without_defaults(item) for key, item in value.items() if key != "version"}
        return {key: item for key, item in inner.items() if item not in (None, {}, []) and item is not False}
    return [without_defaults(item) for item in value] if isinstance(value, list) else value


@given(common, st.sampled_from(OLD))
def test_what_ignition_2_has_too_goes_down_and_comes_up_as_it_was(sections: dict[str, Any], target: str) -> None:
    document = config("3.1.0", **sections)
    below = written(document, target=target)
    assert below["ignition"]["version"] == target
    assert without_defaults(written(below)) == without_defaults(document)
    assert written(written(below), target=target) == below


def test_pieces_to_append_become_files_that_may_find_the_path_taken() -> None:
    file = {"path": "/a", "mode": 420, "contents": {"source": "data:,1"}, "append": [{"source": "data:,2"}]}
    first, second = written(config("3.1.0", storage={"files": [file]}), target="2.4.0")["storage"]["files"]
    assert (first["overwrite"], first.get("append")) == (False, None)
    assert (second.get("overwrite"), second["append"]) == (None, True)


def test_a_mode_that_is_not_given_is_written_out() -> None:
    storage = {"files": [{"path": "/a", "contents": {"source": ""}}], "directories": [{"path": "/d"}]}
    below = written(config("3.1.0", storage=storage), target="2.3.0")["storage"]
    assert (below["files"][0]["mode"], below["directories"][0]["mode"]) == (0o644, 0o755)


def test_a_file_without_content_is_kept_where_it_exists() -> None:
    below = written(config("3.1.0", storage={"files": [{"path": "/a", "mode": 384}]}), target="2.4.0")["storage"]
    assert below["files"] == [{"filesystem": "root", "path": "/a", "mode": 384, "append": True}]


def test_a_file_belongs_to_the_file_system_with_the_longest_path_above() -> None:
    storage = {
        "filesystems": [
            {"device": "/dev/a", "format": "xfs", "path": "/srv"},
            {"device": "/dev/b", "format": "xfs", "path": "/srv/data"},
            {"device": "/dev/c", "format": "swap"},
        ],
        "files": [{"path": path, "contents": {"source": ""}} for path in ("/srv/data/a", "/srv/database", "/srvx")],
        "directories": [{"path": "/srv/data"}],
    }
    below = written(config("3.1.0", storage=storage), target="2.4.0")["storage"]
    assert [(file["filesystem"], file["path"]) for file in below["files"]] == [
        ("/srv/data", "/a"), ("/srv", "/database"), ("root", "/srvx"),
    ]  # fmt: skip
    assert [(each["filesystem"], each["path"]) for each in below["directories"]] == [("/srv/data", "/")]
    assert [each["name"] for each in below["filesystems"]] == ["/srv", "/srv/data", "1"]


def test_sectors_count_where_mib_are_not_known() -> None:
    disk = {"device": "/dev/a", "wipeTable": True, "partitions": [{"number": 1, "sizeMiB": 3, "label": "x"}]}
    below = written(config("3.1.0", storage={"disks": [disk]}), target="2.2.0")["storage"]["disks"]
    assert below[0]["partitions"] == [{"label": "x", "number": 1, "size": 3 * SECTORS}]


LOST: list[tuple[dict[str, Any], str, str]] = [
    ({"storage": {"filesystems": [{"device": "/dev/a", "format": "xfs", "path": "/a", "mountOptions": ["x"]}]}}, "2.4.0", "PV212"),
    ({"storage": {"files": [{"path": "/a", "contents": {"source": "https://a/b", "httpHeaders": [{"name": "a", "value": "b"}]}}]}},
     "2.3.0", "PV212"),
    ({"storage": {"files": [{"path": "/a", "contents": {"source": "https://a/b", "httpHeaders": [{"name": "a", "value": None}]}}]}},
     "2.4.0", "PV213"),
    ({"storage": {"disks": [{"device": "/dev/a", "partitions": [{"number": 1, "sizeMiB": 1}]}]}}, "2.2.0", "PV213"),
    ({"storage": {"disks": [{"device": "/dev/a", "wipeTable": True, "partitions": [{"number": 1, "shouldExist": False}]}]}},
     "2.2.0", "PV212"),
    ({"systemd": {"units": [{"name": "a.service", "mask": False}]}}, "2.4.0", "PV213"),
    ({"systemd": {"units": [{"name": "a.service", "dropins": [{"name": "a.conf", "contents": ""}]}]}}, "2.4.0", "PV213"),
]  # fmt: skip


@pytest.mark.parametrize(("sections", "target", "code"), LOST, ids=lambda value: str(value)[-60:])
def test_what_ignition_2_cannot_say_is_an_error_or_left_out(sections: dict[str, Any], target: str, code: str) -> None:
    document = config("3.1.0", **sections)
    assert {found[:2] for found in told(document, target=target)} >= {(code, "error")}
    assert {found[:2] for found in told(document, target=target, lossy=True)} >= {(code, "warning")}
    assert not compiled(document, target=target, lossy=True).failed


def test_what_else_ignition_2_lacks_is_told_too() -> None:
    section = {
        "config": {"merge": [{"source": "https://a/b", "compression": "gzip"}]},
        "proxy": {"httpProxy": "http://a"},
        "version": "3.1.0",
    }
    messages = [found[2] for found in told({"ignition": section}, target="2.2.0")]
    assert messages == [
        "Ignition 2 unpacks files only, no configs and certificates",
        "`proxy` exists from Ignition 2.4.0 on, this config is for 2.2.0",
    ]


def test_an_embedded_config_is_written_for_the_target_too(tmp_path: Path) -> None:
    (tmp_path / "child.ign").write_text('{"ignition": {"version": "3.4.0"}}')
    parent = b"variant: fcos\nversion: 1.1.0\nignition: {config: {merge: [{local: child.ign}]}}\n"

    def child(**options: Any) -> Any:
        config = compile_document(parent, "parent.bu", Options(files_dir=str(tmp_path), **options)).config
        assert config is not None
        return json.loads(urlopen(config.ignition.config.merge[0].source or "").read())

    assert child() == {"ignition": {"version": "3.4.0"}}
    assert child(target="3.1.0") == {"ignition": {"version": "3.1.0"}}
