"""The JSON Schemas of all releases: golden texts (UPDATE_GOLDEN=1 rewrites them), and what holds for every one."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from provision.ignition import NEWEST, Config
from provision.pages import WITH_SCHEMA, load_everything, print_schema, schema_text, write_schemas
from provision.record import View
from provision.schema.dialects import first_release_with, view_of
from provision.schema.project import DRAFT, project
from provision.versions import BUTANE, BY_NAME, Release, releases_of

ROOT = Path(__file__).parent.parent.parent
GOLDEN = ROOT / "tests" / "golden" / "schema"
SAMPLES = sorted((ROOT / "samples").glob("*.bu"))

load_everything()
every_release = pytest.mark.parametrize("release", WITH_SCHEMA, ids=lambda release: release.name)


def file_of(release: Release) -> Path:
    return GOLDEN / f"{release.file_name}.json"


def property_schemas(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property of a schema, by its definition and name."""
    for where, definition in (("", schema), *schema["$defs"].items()):
        for name, row in definition["properties"].items():
            yield f"{where}.{name}", row


@every_release
def test_the_schema_is_the_recorded_one(release: Release) -> None:
    text = schema_text(release)
    path = file_of(release)
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert path.read_text() == text, "the schema changed: look at the difference and run `make golden`"


def test_every_recorded_schema_has_its_release() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {file_of(release).name for release in WITH_SCHEMA}


@every_release
def test_the_schema_is_one_of_draft_2020_12(release: Release) -> None:
    schema = project(release)
    assert schema["$schema"] == DRAFT
    assert schema["title"] == release.name
    Draft202012Validator.check_schema(schema)


@every_release
def test_every_property_says_what_it_is(release: Release) -> None:
    found = list(property_schemas(project(release)))
    assert found
    for where, row in found:
        assert row["title"] == where.rpartition(".")[2], where
        assert row["description"].endswith("."), where
        assert row["markdownDescription"].startswith(row["description"]), where


@every_release
def test_every_definition_is_used_and_closed(release: Release) -> None:
    schema = project(release)
    text = json.dumps(schema)
    for name, definition in schema["$defs"].items():
        assert f'"#/$defs/{name}"' in text, name
        assert definition["additionalProperties"] is False, name
        assert definition["description"], name


@every_release
def test_an_x_key_is_free_where_keys_are_in_snake_case(release: Release) -> None:
    schema = project(release)
    free = view_of(release).spelling == "snake"
    assert ("patternProperties" in schema) == free
    assert all(("patternProperties" in definition) == free for definition in schema["$defs"].values())


@pytest.mark.parametrize(
    "release",
    [release for release in WITH_SCHEMA if release.dialect in (*BUTANE, "ignition", "ignition2")],
    ids=lambda release: release.name,
)
def test_the_schema_asks_for_the_names_of_its_release(release: Release) -> None:
    validator = Draft202012Validator(project(release))
    if release.dialect in ("ignition", "ignition2"):
        whole: dict[str, Any] = {"ignition": {"version": release.version}}
        others: list[dict[str, Any]] = [{}, {"ignition": {}}, {"ignition": {"version": "1.0.0"}}]
    else:
        whole = {"variant": release.dialect, "version": release.version}
        others = [
            {},
            {"variant": release.dialect},
            {"version": release.version},
            {**whole, "version": "0.0.1"},
            {**whole, "variant": "rhcos"},
        ]
    assert validator.is_valid(whole)
    assert not any(validator.is_valid(other) for other in others)


@pytest.mark.parametrize(
    ("dialect", "version", "document", "valid"),
    [
        ("fcos", "1.6.0", {"storage": {"files": [{"path": "/a", "mode": 420}]}}, True),
        ("fcos", "1.6.0", {"storage": {"files": [{"mode": 420}]}}, False),
        ("fcos", "1.6.0", {"storage": {"files": [{"path": "/a", "mode": 0o10000}]}}, False),
        ("fcos", "1.6.0", {"storage": {"files": [{"path": "/a", "mode": -1}]}}, False),
        ("fcos", "1.6.0", {"storage": {"files": [{"path": "/a", "mode": "0644"}]}}, False),
        ("fcos", "1.6.0", {"storage": None, "passwd": {}}, True),
        ("fcos", "1.6.0", {"x-notes": [1, 2]}, True),
        ("fcos", "1.3.0", {"kernel_arguments": {}}, False),
        ("fcos", "1.4.0", {"kernel_arguments": {}}, True),
        ("fcos", "1.2.0", {"boot_device": {}}, False),
        ("fcos", "1.3.0", {"boot_device": {"layout": "x86_64"}}, True),
        ("flatcar", "1.1.0", {"boot_device": {}}, False),
        ("openshift", "4.14.0", {"metadata": {"name": "a", "labels": {"a": "b"}}}, True),
        ("openshift", "4.14.0", {"metadata": {"name": "a", "labels": {"a": 5}}}, False),
        ("fcos", "1.6.0", {"metadata": {}}, False),
        ("fcos", "1.7.0", {"systemd": {"quadlets": []}}, False),
        ("fcos", "1.8.0-experimental", {"systemd": {"quadlets": [{"name": "a.pod", "rootful": True}]}}, True),
        ("fcos", "1.6.0", {"ignition": {"version": "3.5.0"}}, False),
    ],
)  # fmt: skip
def test_a_schema_takes_what_its_release_takes(
    dialect: str, version: str, document: dict[str, Any], valid: bool
) -> None:
    validator = Draft202012Validator(project(BY_NAME[dialect, version]))
    assert validator.is_valid({"variant": dialect, "version": version, **document}) == valid


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_validates(path: Path) -> None:
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 1)  # reads 0644 as octal
    document = yaml.load(path.read_text())
    schema = project(BY_NAME[document["variant"], document["version"]])
    errors = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(document)]
    assert not errors


def test_keys_only_come_and_never_go_within_a_dialect() -> None:
    for dialect in dict.fromkeys(release.dialect for release in WITH_SCHEMA):
        before: set[str] = set()
        for release in releases_of(dialect):
            now = {where for where, _ in property_schemas(project(release))}
            assert before <= now, release.name
            before = now


def test_the_number_of_ignitions_keys_is_that_of_its_oldest_and_newest_spec() -> None:
    """135 keys over all specs, 43 of them younger than 3.0, counted in the tree of sections."""

    def keys(cls: Any, view: View) -> int:
        return sum(1 + (keys(row.item, view) if row.kind in ("record", "records") else 0) for row in view[cls].values())

    oldest, newest = keys(Config, View((3, 0))), keys(Config, View(NEWEST))
    assert oldest < newest
    assert newest == sum(1 for _ in paths(project(BY_NAME["ignition", "3.7.0-experimental"])))


def paths(schema: dict[str, Any], at: dict[str, Any] | None = None) -> Iterator[str]:
    """Every key of a schema, definitions followed."""
    for name, row in (schema if at is None else at)["properties"].items():
        yield name
        reference = row.get("$ref") or row.get("items", {}).get("$ref")
        if reference:
            yield from paths(schema, schema["$defs"][reference.rpartition("/")[2]])


def test_units_and_ages_show_in_an_editor() -> None:
    schema = project(BY_NAME["fcos", "1.8.0-experimental"])
    partition = schema["$defs"]["Partition"]["properties"]
    assert partition["size_mib"]["markdownDescription"].endswith(" In MiB.")
    assert partition["resize"]["markdownDescription"].endswith("\n\nSince Ignition spec 3.2.")


def test_the_first_release_with_a_key_is_found() -> None:
    found = first_release_with(Config, "kernel_arguments", "flatcar")
    assert found is not None
    assert found.version == "1.0.0"
    assert first_release_with(Config, "boot_device", "flatcar") is None
    assert first_release_with(Config, "nothing", "fcos") is None


def test_a_view_is_made_once_for_a_release() -> None:
    assert view_of(BY_NAME["fcos", "1.6.0"]) is view_of(BY_NAME["fcos", "1.6.0"])


def test_the_command_prints_the_recorded_schema(capsys: pytest.CaptureFixture[str]) -> None:
    print_schema("fcos", "1.5.0")
    assert capsys.readouterr().out == file_of(BY_NAME["fcos", "1.5.0"]).read_text()


def test_all_schemas_are_written_into_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "schemas"
    write_schemas(str(folder))
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        path.name: path.read_text() for path in GOLDEN.iterdir()
    }
