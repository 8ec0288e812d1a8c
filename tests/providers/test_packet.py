"""Equinix Metal: each stage is told to the machine's timeline."""

import json
from pathlib import Path

import pytest
from provider_fakes import FakeMachine, Reply, metadata_server

from provision.apply.providers import PROVIDERS

METADATA = "GET /metadata"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    return FakeMachine(tmp_path, monkeypatch)


def metadata(address: str) -> Reply:
    """Metadata as far as it matters."""
    return Reply(json.dumps({"id": "x", "phone_home_url": address}).encode())


def test_a_stage_that_ended_well_shows_in_the_timeline(
    machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = {METADATA: metadata("http://10.0.0.1/phone-home"), "POST /events": Reply(status=201)}
    with metadata_server(answers) as server:
        PROVIDERS["packet"].report(machine.host(server), "disks", None)
    assert server.paths == [METADATA, "POST /events"]
    assert server.asked[0].headers["accept"] == "*/*"
    assert server.asked[1].headers["content-type"] == "application/json"
    assert capsys.readouterr().err == ""
    said = json.loads(server.asked[1].body)
    assert said["state"] == "running"
    assert said["message"].startswith("[disks] ")


def test_a_stage_that_failed_shows_with_the_reason(machine: FakeMachine) -> None:
    answers = {METADATA: metadata("http://10.0.0.1"), "POST /events": Reply()}
    with metadata_server(answers) as server:
        PROVIDERS["packet"].report(machine.host(server), "files", 'no "space" left')
    said = json.loads(server.asked[1].body)
    assert said["state"] == "failed"
    assert 'no "space" left' in said["message"]


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({}, "404"),
        ({METADATA: Reply(b"<html>")}, "not a JSON object"),
        ({METADATA: Reply(b"{}")}, "has no phone_home_url"),
        ({METADATA: metadata("http://10.0.0.1/phone-home")}, "404"),
        ({METADATA: metadata("gopher://10.0.0.1/phone-home")}, "gopher"),
    ],
)
def test_a_timeline_that_cannot_be_told_is_only_a_warning(
    answers: dict[str, Reply], reason: str, machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    with metadata_server(answers) as server:
        PROVIDERS["packet"].report(machine.host(server), "files", None)
    said = capsys.readouterr().err
    assert said.startswith("warning: the timeline does not hear of the stage files: ")
    assert reason in said


def test_a_timeline_without_a_network_is_only_a_warning(
    machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    PROVIDERS["packet"].report(machine.host(offline=True), "fetch-offline", None)
    assert "the timeline does not hear" in capsys.readouterr().err


def test_other_platforms_hear_nothing(machine: FakeMachine) -> None:
    with metadata_server({}) as server:
        PROVIDERS["hetzner"].report(machine.host(server), "files", None)
    assert server.paths == []
