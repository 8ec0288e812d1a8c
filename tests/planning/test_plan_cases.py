"""Whole plans in `cases`: a config, and beside it what is shown (80 columns wide) and the JSON.

The first line of a case names its facts, and options of the command. `UPDATE_GOLDEN=1` writes what is expected anew.
"""

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from machines import CASES, MACHINES

from provision.apply.facts_file import to_json
from provision.ignition import upgrade
from provision.planning import Source, as_json, as_text, make_forecast
from provision.planning.forecast import Forecast
from provision.transpile.author import Options
from provision.transpile.compile import compile_document

FILES = sorted([*CASES.glob("*.bu"), *CASES.glob("*.ign")])
HIDDEN = "not-to-be-shown"


class Stage(NamedTuple):
    """What the first line of a case says."""

    facts: str
    idle: bool
    names: list[tuple[str, str]]


def stage_of(case: Path) -> Stage:
    """The stage of a case; JSON has no comments, and is for the server."""
    first = case.read_text().splitlines()[0]
    facts, *words = first.removeprefix("#! ").split() if first.startswith("#!") else ["server"]
    pairs = [word.split("=") for word in words if "=" in word]
    return Stage(facts, "--idle" in words, [(name, path) for name, path in pairs])


def forecast_of(case: Path) -> Forecast:
    """The plan of a case. What its facts are called does not depend on where they are."""
    compiled = compile_document(case.read_bytes(), case.name, Options())
    assert not compiled.failed, [str(found) for found in compiled.diagnostics]
    assert compiled.config is not None
    assert compiled.author is not None
    stage = stage_of(case)
    facts = CASES / "facts" / f"{stage.facts}.json"
    made = make_forecast(
        upgrade(compiled.config, compiled.author.spec), Source(str(facts), None, stage.names, stage.idle)
    )
    return made._replace(machine=made.machine._replace(title=made.machine.title.replace(str(facts), facts.name)))


def held_to(golden: Path, found: bytes) -> None:
    """Compare with what is expected, or write it anew."""
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_bytes(found)
    assert found.decode() == golden.read_text()


@pytest.mark.parametrize("case", FILES, ids=lambda path: path.name)
def test_a_plan_is_shown_as_expected(case: Path) -> None:
    held_to(case.with_suffix(".txt"), as_text(forecast_of(case), case.name, width=80))


@pytest.mark.parametrize("case", FILES, ids=lambda path: path.name)
def test_a_plan_is_json_as_expected(case: Path) -> None:
    held_to(case.with_suffix(".json"), as_json(forecast_of(case)))


@pytest.mark.parametrize("case", FILES, ids=lambda path: path.name)
def test_no_drawing_and_no_reason_is_wider_than_the_terminal(case: Path) -> None:
    for width in (60, 80, 132):
        lines = as_text(forecast_of(case), case.name, width=width).decode().splitlines()
        boxes = [line for line in lines if line.lstrip()[:1] in "┌│└" and "── " not in line]
        assert all(len(line) <= width for line in boxes), boxes


@pytest.mark.parametrize("case", FILES, ids=lambda path: path.name)
def test_text_and_json_tell_the_same(case: Path) -> None:
    made = forecast_of(case)
    told, text = json.loads(as_json(made)), " ".join(as_text(made, case.name, width=400).decode().split())
    for loss in told["destroyed"]:
        assert loss["subject"] in text
    for reason in (*told["refusals"], *told["notes"]):
        assert " ".join(reason.split()) in text
    for disk in told["disks"]:
        for partition in disk["partitions"]:
            assert partition["reason"] in text
    assert len(told["destroyed"]) == sum(len(priced.losses) for priced in made.operations)
    assert any(operation["destroys"] for operation in told["operations"]) == bool(told["destroyed"])


@pytest.mark.parametrize("case", FILES, ids=lambda path: path.name)
def test_no_case_shows_a_secret(case: Path) -> None:
    made = forecast_of(case)
    assert HIDDEN not in as_text(made, case.name, width=400).decode()
    assert HIDDEN not in as_json(made).decode()


def test_some_cases_hold_secrets() -> None:
    assert sum(HIDDEN in case.read_text() for case in FILES) >= 3


@pytest.mark.parametrize("name", MACHINES)
def test_the_facts_of_the_cases_are_those_of_the_machines(name: str) -> None:
    assert (CASES / "facts" / f"{name}.json").read_bytes() == to_json(MACHINES[name]())


KEYS: dict[str, set[str]] = {
    "disks": {"device", "path", "refused", "before", "after", "partitions"},
    "arrays": {"name", "device", "action", "reason", "destroys"},
    "volumes": {"name", "device", "action", "reason", "destroys"},
    "filesystems": {"device", "format", "path", "action", "reason", "destroys"},
    "mounts": {"device", "path", "format", "options"},
    "users": {"name", "action", "changes", "destroys"},
    "groups": {"name", "action", "changes", "destroys"},
    "files": {"path", "kind", "action", "mode", "owner", "size", "target", "sources", "changes", "destroys"},
    "units": {"name", "action", "state", "dropins", "destroys"},
    "fetches": {"source", "for"},
    "operations": {"act", "description", "subject", "destroys"},
    "destroyed": {"kind", "subject", "holds", "why"},
}
ALL_KEYS = {"version", "machine", "rootAssumed", "kernelArguments", "presets", "refusals", "notes", *KEYS}


@pytest.mark.parametrize("case", FILES, ids=lambda path: path.name)
def test_the_keys_of_the_json_are_those_that_are_documented(case: Path) -> None:
    told: dict[str, Any] = json.loads(as_json(forecast_of(case)))
    assert told.keys() == ALL_KEYS
    for key, expected in KEYS.items():
        for entry in told[key]:
            assert entry.keys() == expected, key


def test_every_key_occurs_in_some_case() -> None:
    told = [json.loads(as_json(forecast_of(case))) for case in FILES]
    for key in KEYS:
        assert any(each[key] for each in told), key
