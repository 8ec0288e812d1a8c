"""The shape of documents: that jsonschema and `decode` agree on it, and what is said of what does not fit."""

import json
import time
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provision.document import Document, read
from provision.document.nodes import NodeSource
from provision.ignition import Config
from provision.record import JsonSource, Problem, Record, Row, View, decode
from provision.schema.dialects import view_of
from provision.schema.structural import check_structure, validator
from provision.transpile.author import Options
from provision.transpile.butane import SUGARS
from provision.transpile.compile import compile_document
from provision.versions import BY_NAME, RELEASES, Release

assert SUGARS  # their modules declare the dialects' own keys

Json = Any
Path = tuple[str | int, ...]

CHOSEN = [
    BY_NAME[release] for release in (
        ("fcos", "1.0.0"), ("fcos", "1.3.0"), ("fcos", "1.6.0"), ("fcos", "1.8.0-experimental"), ("flatcar", "1.0.0"),
        ("flatcar", "1.2.0-experimental"), ("openshift", "4.8.0"), ("openshift", "4.14.0"), ("openshift", "4.23.0-experimental"),
        ("r4e", "1.0.0"), ("r4e", "1.2.0-experimental"), ("fiot", "1.0.0"), ("fiot", "1.1.0-experimental"), ("ignition", "3.0.0"),
        ("ignition", "3.2.0"), ("ignition", "3.4.0"), ("ignition", "3.7.0-experimental"),
    )
]  # fmt: skip
by_release = pytest.mark.parametrize("release", CHOSEN, ids=lambda release: release.name)
thorough = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


# ---- documents, and edits of them -------------------------------------------------------------------------------

SCALARS: dict[str, st.SearchStrategy[Json]] = {
    "str": st.sampled_from(["", "a", "/a", "5", "yes", "null", "0644", "é😀"]),
    "int": st.integers(0, 0o777),
    "bool": st.booleans(),
}
ANYTHING: st.SearchStrategy[Json] = st.sampled_from([
    None, True, 0, -1, 420, 2**63 - 1, 2**63, -(2**63) - 1, 0.5, "", "text", "5", "yes", "true", [], [None], [1], ["a"], [[]], [{}], {},
    {"a": 1},
]).map(deepcopy)  # fmt: skip


UNKNOWN_KEYS = ("unknown", "path", "x-note", "mode", "Path")


def records(cls: type[Record], view: View) -> st.SearchStrategy[Json]:
    """Mappings that fit a class of records in one release."""
    rows = view[cls]
    needed = {key: fitting(row, view) for key, row in rows.items() if row.required <= view.at}
    free = {key: st.none() | fitting(row, view) for key, row in rows.items() if key not in needed}
    return st.fixed_dictionaries(needed, optional=free)


def fitting(row: Row, view: View) -> st.SearchStrategy[Json]:
    """Values that fit a row."""
    if row.kind == "record":
        return records(row.item, view)
    if row.kind == "records":
        return st.lists(records(row.item, view), max_size=2)
    if row.kind == "strs":
        return st.lists(SCALARS["str"], max_size=2)
    return st.dictionaries(SCALARS["str"], SCALARS["str"], max_size=2) if row.kind == "map" else SCALARS[row.kind]


def places(value: Json, here: Path = ()) -> list[Path]:
    """The paths of all values below one."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for key, inner in inside for path in ((*here, key), *places(inner, (*here, key)))]


@st.composite
def documents(draw: st.DrawFn, release: Release, *, unknown: tuple[str, ...] = UNKNOWN_KEYS) -> Json:
    """A document of a release with up to three edits: another value, a null, an unknown key, a key too few."""
    document = draw(records(Config, view_of(release)))
    for _ in range(draw(st.integers(0, 3))):
        found = [path for path in places(document) if path[-1] not in ("variant", "version")]
        if not found:
            break
        *above, last = draw(st.sampled_from(found))
        inside = document
        for step in above:
            inside = inside[step]
        edit = draw(st.sampled_from(["replace", "replace", "null", "add", "delete"]))
        if edit == "replace":
            inside[last] = draw(ANYTHING)
        elif edit == "null":
            inside[last] = None
        elif edit == "delete":
            del inside[last]
        elif isinstance(inside, dict):
            inside[draw(st.sampled_from(unknown))] = draw(ANYTHING)
    if release.dialect == "ignition":
        section = document.get("ignition") if isinstance(document, dict) else None
        return {**document, "ignition": {**(section if isinstance(section, dict) else {}), "version": release.version}}
    return {**document, "variant": release.dialect, "version": release.version}


Verdict = tuple[bool, bool]


def by_decode(problems: list[Problem], view: View) -> Verdict:
    """Whether something does not fit or is missing, and whether a key is unknown."""
    kinds = [
        problem.wanted
        for problem in problems
        if not (view.spelling == "snake" and problem.key.startswith("x-") and problem.wanted == "key")
    ]
    return any(kind != "key" for kind in kinds), "key" in kinds


def within_limits(error: Any) -> bool:
    """Whether an error is about a limit that a rule speaks of, not the type of a value."""
    return error.validator in ("minimum", "maximum") and -(2**63) <= error.instance < 2**63


@by_release
@thorough
@given(data=st.data())
def test_jsonschema_and_decode_agree_on_plain_values(release: Release, data: st.DataObject) -> None:
    # Go reads a key of JSON in any capitals, a schema does not: that is tried on whole documents.
    document = data.draw(documents(release, unknown=UNKNOWN_KEYS[:-1]))
    view = view_of(release)
    problems: list[Problem] = []
    decode(Config, document, view, JsonSource(), problems)
    errors = [error for error in validator(release).iter_errors(document) if not within_limits(error)]
    assert by_decode(problems, view) == (
        any(error.validator != "additionalProperties" for error in errors),
        any(error.validator == "additionalProperties" for error in errors),
    )


def texts(document: Json, release: Release) -> list[str]:
    """The document as JSON and, for a dialect of Butane, as YAML."""
    text = json.dumps(document, ensure_ascii=False)
    pretty = json.dumps(document, ensure_ascii=False, indent=2)
    return [text] if release.dialect == "ignition" else [text, f"---\n{pretty}\n"]


@by_release
@thorough
@given(data=st.data())
def test_jsonschema_and_decode_agree_on_documents(release: Release, data: st.DataObject) -> None:
    view = view_of(release)
    for text in texts(data.draw(documents(release)), release):
        found = read(text.encode(), "x.bu")
        assert found.root is not None, found.diagnostics
        source = NodeSource(found, strict=release.dialect == "ignition")
        problems: list[Problem] = []
        root: Any = found.root
        decode(Config, root, view, source, problems)
        codes = {why.code for why in check_structure(found, source, release)}
        assert by_decode(problems, view) == (bool(codes & {"PV102", "PV103"}), bool(codes & {"PV101", "PV203"}))


@by_release
@thorough
@given(data=st.data())
def test_a_document_without_edits_fits_its_release(release: Release, data: st.DataObject) -> None:
    view = view_of(release)
    document = data.draw(records(Config, view))
    problems: list[Problem] = []
    decode(Config, document, view, JsonSource(), problems)
    assert not problems


# ---- what is said -----------------------------------------------------------------------------------------------

Said = tuple[str, int, int, str, str | None]


def structure_of(text: str) -> list[Said]:
    """Code, line, column, message and hint of what is said about a document's shape."""
    return [
        (d.code, d.span.line, d.span.column, d.message, d.hint)
        for d in compile_document(text.encode(), "x.bu").diagnostics
        if d.code[:3] in ("PV1", "PV2")
    ]


DROPPED = "it is dropped with everything below it"
UNKNOWN: list[tuple[str, str, Said]] = [
    ("1.6.0", "storag: {}", ("PV101", 3, 1, f"unknown key `storag`; {DROPPED}", "did you mean `storage`?")),
    ("1.6.0", "Storage: {}", ("PV101", 3, 1, f"unknown key `Storage`; {DROPPED}", "did you mean `storage`?")),
    ("1.6.0", "kernelArguments: {}", ("PV101", 3, 1, f"unknown key `kernelArguments`; {DROPPED}", "did you mean `kernel_arguments`?")),
    ("1.6.0", "passwd: {users: [{name: a, sshAuthorizedKeys: []}]}", (
        "PV101", 3, 28, f"unknown key `sshAuthorizedKeys`; {DROPPED}", "did you mean `ssh_authorized_keys`?")),
    ("1.6.0", "storage:\n  files:\n    - path: /a\n      contents: {inlin: x}", (
        "PV101", 6, 18, f"unknown key `inlin`; {DROPPED}", "did you mean `inline`?")),
    ("1.6.0", "storage: {zzz: 1}", (
        "PV101", 3, 11, f"unknown key `zzz`; {DROPPED}", "known here: directories, disks, files, filesystems, links, luks, raid, trees")),
    ("1.6.0", '"stor age": 1', ("PV101", 3, 1, f"unknown key `stor age`; {DROPPED}", "did you mean `storage`?")),
    ("1.3.0", "kernel_arguments: {}", (
        "PV203", 3, 1, f"`kernel_arguments` exists from fcos 1.4.0 on, this document is fcos 1.3.0; {DROPPED}", "set `version: 1.4.0` to use it")),
    ("1.2.0", "boot_device: {}", (
        "PV203", 3, 1, f"`boot_device` exists from fcos 1.3.0 on, this document is fcos 1.2.0; {DROPPED}", "set `version: 1.3.0` to use it")),
    ("1.0.0", "storage: {files: [{path: /a, contents: {local: x}}]}", (
        "PV203", 3, 41, f"`local` exists from fcos 1.1.0 on, this document is fcos 1.0.0; {DROPPED}", "set `version: 1.1.0` to use it")),
    ("1.7.0", "systemd: {quadlets: []}", (
        "PV203", 3, 11, f"`quadlets` exists from fcos 1.8.0-experimental on, this document is fcos 1.7.0; {DROPPED}",
        "set `version: 1.8.0-experimental` to use it")),
    ("1.1.0", "storage: {disks: [{device: /d, partitions: [{number: 1, resize: true}]}]}", (
        "PV203", 3, 57, f"`resize` exists from fcos 1.2.0 on, this document is fcos 1.1.0; {DROPPED}", "set `version: 1.2.0` to use it")),
]  # fmt: skip


@pytest.mark.parametrize(("version", "text", "said"), UNKNOWN)
def test_an_unknown_key_gets_the_nearest_key_or_the_release_that_has_it(version: str, text: str, said: Said) -> None:
    assert structure_of(f"variant: fcos\nversion: {version}\n{text}\n") == [said]


@pytest.mark.parametrize(
    ("text", "release"),
    [
        (
            "variant: flatcar\nversion: 1.0.0\nstorage: {luks: [{name: a, device: /d, discard: true}]}\n",
            "flatcar 1.1.0",
        ),
        ("variant: r4e\nversion: 1.0.0\npasswd: {users: [{name: a, ssh_authorized_keys_local: []}]}\n", "r4e 1.1.0"),
        ("variant: fiot\nversion: 1.0.0\nsystemd: {quadlets: []}\n", "fiot 1.1.0-experimental"),
        ('{"ignition": {"version": "3.1.0"}, "kernelArguments": {}}', "ignition 3.3.0"),
    ],
)
def test_a_later_release_is_one_of_the_documents_own_dialect(text: str, release: str) -> None:
    ((code, _, _, message, _),) = structure_of(text)
    assert code == "PV203"
    assert f"exists from {release} on" in message


def test_a_key_that_the_dialect_never_has_is_unknown_though_another_has_it() -> None:
    ((code, _, _, message, _),) = structure_of("variant: flatcar\nversion: 1.1.0\nboot_device: {}\n")
    assert (code, message) == ("PV101", f"unknown key `boot_device`; {DROPPED}")


def test_unknown_keys_are_told_in_the_order_of_the_document() -> None:
    found = structure_of("variant: fcos\nversion: 1.6.0\nzeta: 1\nalpha: 2\nstorage: {omega: 1}\nbeta: 3\n")
    assert [(line, message.split("`")[1]) for _, line, _, message, _ in found] == [
        (3, "zeta"),
        (4, "alpha"),
        (5, "omega"),
        (6, "beta"),
    ]


@pytest.mark.parametrize("key", ["x-anything", "x-"])
def test_keys_for_notes_are_no_problem_anywhere(key: str) -> None:
    assert not structure_of(
        f"variant: fcos\nversion: 1.6.0\n{key}: [1]\nstorage:\n  {key}: x\n  files:\n    - path: /a\n      {key}: {{}}\n"
    )


def test_ignition_has_no_keys_for_notes() -> None:
    ((code, _, _, message, _),) = structure_of('{"ignition": {"version": "3.5.0"}, "x-note": 1}')
    assert (code, message) == ("PV101", f"unknown key `x-note`; {DROPPED}")


NOT_LIST = "begin each element with `- `"
TYPES: list[tuple[str, Said]] = [
    ("storage: x", ("PV102", 3, 10, "`storage` must be a mapping, not the text x", None)),
    ("storage: []", ("PV102", 3, 10, "`storage` must be a mapping, not a list", "take away the `-`: this is one mapping, not a list")),
    ("storage: {files: {}}", ("PV102", 3, 18, "`files` must be a list, not a mapping", NOT_LIST)),
    ("storage: {files: x}", ("PV102", 3, 18, "`files` must be a list, not the text x", NOT_LIST)),
    ("storage: {files: [x]}", ("PV102", 3, 19, "elements of `files` must be mappings, not the text x", "write its keys, such as `path:`")),
    ("storage: {files: [[]]}", ("PV102", 3, 19, "elements of `files` must be mappings, not a list", None)),
    ('storage: {files: [{path: /a, mode: "0644"}]}', ("PV102", 3, 36, "`mode` must be an integer, not the text 0644", "take the quotes off")),
    ("storage: {files: [{path: /a, mode: 0o8}]}", ("PV102", 3, 36, "`mode` must be an integer, not the text 0o8", None)),
    ("storage: {files: [{path: /a, mode: 0888}]}", (
        "PV102", 3, 36, "`mode` must be an integer, not the number 0888",
        "a number that starts with 0 is octal and takes the digits 0 to 7")),
    ("storage: {files: [{path: /a, mode: 420.5}]}", ("PV102", 3, 36, "`mode` must be an integer, not the number 420.5", "write a whole number")),
    ("storage: {files: [{path: /a, mode: 1e2}]}", ("PV102", 3, 36, "`mode` must be an integer, not the number 1e2", "write a whole number")),
    ("storage: {files: [{path: /a, mode: 99999999999999999999}]}", (
        "PV102", 3, 36, "`mode` must be an integer, not the number 99999999999999999999", "the number must fit into 64 bits")),
    ("passwd: {users: [{name: a, uid: 9223372036854775808}]}", (
        "PV102", 3, 33, "`uid` must be an integer, not the number 9223372036854775808", "the number must fit into 64 bits")),
    ("storage: {files: [{path: /a, mode: true}]}", ("PV102", 3, 36, "`mode` must be an integer, not the boolean true", None)),
    ("storage: {files: [{path: /a, mode: [1]}]}", ("PV102", 3, 36, "`mode` must be an integer, not a list", None)),
    ("storage: {files: [{path: /a, overwrite: maybe}]}", (
        "PV102", 3, 41, "`overwrite` must be true or false, not the text maybe", "write true or false")),
    ('storage: {files: [{path: /a, overwrite: "true"}]}', (
        "PV102", 3, 41, "`overwrite` must be true or false, not the text true", "write true or false, without quotes")),
    ("storage: {files: [{path: /a, overwrite: 1}]}", (
        "PV102", 3, 41, "`overwrite` must be true or false, not the number 1", "write true or false")),
    ("storage: {files: [{path: [/a]}]}", (
        "PV102", 3, 26, "`path` must be a string, not a list", "text of several lines needs a `|` after its key; other values need quotes")),
    ("storage: {files: [{path: {a: b}}]}", (
        "PV102", 3, 26, "`path` must be a string, not a mapping", "text of several lines needs a `|` after its key; other values need quotes")),
    ("kernel_arguments: {should_exist: quiet}", (
        "PV102", 3, 34, "`should_exist` must be a list of strings, not the text quiet", NOT_LIST)),
    ("kernel_arguments: {should_exist: [[a]]}", (
        "PV102", 3, 35, "elements of `should_exist` must be strings, not a list", None)),
    ("storage: {files: [{path: /a, contents: []}]}", (
        "PV102", 3, 40, "`contents` must be a mapping, not a list", "take away the `-`: this is one mapping, not a list")),
    ("storage: {files: [{path: /a, contents: {inline: {}}}]}", (
        "PV102", 3, 49, "`inline` must be a string, not a mapping", "text of several lines needs a `|` after its key; other values need quotes")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), TYPES)
def test_a_value_of_the_wrong_type_gets_words_and_advice(text: str, said: Said) -> None:
    ((code, line, column, message, hint),) = structure_of(f"variant: fcos\nversion: 1.6.0\n{text}\n")
    assert (code, line, column) == said[:3]
    assert message.replace("'", "") == said[3]
    if said[4] is not None:
        assert hint == said[4]


def test_labels_of_openshift_are_texts() -> None:
    head = "variant: openshift\nversion: 4.14.0\nmetadata:\n  name: a\n  labels:\n    machineconfiguration.openshift.io/role: worker\n"
    assert not structure_of(head + "    a: 5\n    b: yes\n")
    (found,) = structure_of(head + "    a: [5]\n")
    assert found[:3] == ("PV102", 7, 8)
    (found,) = structure_of(head.split("    machine", 1)[0].rstrip() + " []\n")
    assert found[:4] == ("PV102", 5, 11, "`labels` must be a mapping, not a list")


MISSING: list[tuple[str, tuple[int, int, str]]] = [
    ("storage: {files: [{mode: 1}]}", (3, 19, "an element of `files` needs `path`")),
    ("storage: {files: [{path: null}]}", (3, 26, "path")),
    ("storage:\n  disks:\n    - partitions: []", (5, 7, "an element of `disks` needs `device`")),
    ("storage:\n  filesystems:\n    - format: xfs", (5, 7, "an element of `filesystems` needs `device`")),
    ("storage: {directories: [{}]}", (3, 25, "an element of `directories` needs `path`")),
    ("storage: {trees: [{}]}", (3, 19, "`local`")),
]


@pytest.mark.parametrize(("text", "said"), MISSING)
def test_a_missing_key_is_told_at_its_mapping_or_at_its_null(text: str, said: tuple[int, int, str]) -> None:
    ((code, line, column, message, _),) = structure_of(f"variant: fcos\nversion: 1.6.0\n{text}\n")
    assert code in ("PV103", "PV102")
    assert (line, column) == said[:2]
    assert said[2] in message


def test_several_problems_are_all_told_in_order() -> None:
    text = "variant: fcos\nversion: 1.6.0\nstorage:\n  files:\n    - mode: x\n      user: {id: y}\n      contnets: {}\n  disks: 5\n"
    assert [(code, line) for code, line, *_ in structure_of(text)] == [
        ("PV103", 5),
        ("PV102", 5),
        ("PV102", 6),
        ("PV101", 7),
        ("PV102", 8),
    ]


@pytest.mark.parametrize(
    ("element", "code"),
    [
        ("    - path: /f{}\n      mode: x\n", "PV102"),
        ("    - path: /f{}\n      mod: 1\n", "PV101"),
        ("    - {}\n", "PV102"),
        ("    - mode: {}\n", "PV103"),
    ],
)
def test_thousands_of_wrong_elements_take_time_that_grows_with_their_number(element: str, code: str) -> None:
    def seconds(number: int) -> float:
        text = "variant: fcos\nversion: 1.6.0\nstorage:\n  files:\n" + "".join(element.format(i) for i in range(number))
        start = time.process_time()
        found = compile_document(text.encode(), "x.bu").diagnostics
        spent = time.process_time() - start
        assert sum(why.code == code for why in found) == number
        return spent

    seconds(50)
    # Twenty times as many; what grows with its square would take four hundred times as long.
    assert seconds(10_000) < 80 * max(min(seconds(500) for _ in range(2)), 0.02)


def test_a_document_that_is_no_mapping_is_told_once() -> None:
    found: Document = read(b"- a\n", "x.bu")
    release = next(release for release in RELEASES if release.name == "fcos 1.6.0")
    (why,) = check_structure(found, NodeSource(found), release)
    assert (why.code, why.message) == ("PV102", "a config is a mapping, this is a list")


@by_release
@thorough
@given(data=st.data())
def test_no_document_makes_a_compilation_fail(release: Release, data: st.DataObject) -> None:
    for text in texts(data.draw(documents(release)), release):
        for raw in (False, True):
            result = compile_document(text.encode(), "x.bu", Options("/nonexistent", raw=raw))
            assert all(why.span.line >= 1 and why.span.column >= 1 for why in result.diagnostics)
            if not result.failed:
                assert result.output()


def test_a_secret_of_the_wrong_type_is_not_shown() -> None:
    text = '{"ignition":{"version":"3.3.0"},"passwd":{"users":[{"name":"a","passwordHash":12345}]}}'
    (found,) = structure_of(text)
    assert found[3] == "`passwordHash` must be a string, not the number …"


def test_keys_that_nobody_knows_take_linear_time() -> None:
    text = "variant: fcos\nversion: 1.6.0\n" + "".join(f"unknown{i}: 1\n" for i in range(20_000))
    start = time.process_time()
    assert len(structure_of(text)) == 20_000
    assert time.process_time() - start < 10
