"""The other programs of the applier in a booted system: `provision facts`' reading, `ignition-apply`, the result file."""

import json

from vm_guest import Guest
from vm_scenarios import ALL, ROOT, A, B, apply, as_document, check, disk, storage


def test_ignition_apply_fills_a_folder(guest: Guest) -> None:
    guest.write("/scenario/x.ign", as_document(storage(files=[{"path": "/x", "contents": {"source": "data:,x"}}])))
    ended = guest.run(f"container=yes ignition-apply --root {ROOT} x.ign")
    assert ended.status == 0, ended.output
    check(guest, f"content {ROOT}/x x")


def test_ignition_validate_judges(guest: Guest) -> None:
    guest.write("/scenario/right.ign", as_document({}))
    guest.write("/scenario/wrong.ign", as_document(storage(files=[{"path": "relative"}])))
    assert guest.run("ignition-validate right.ign").status == 0
    ended = guest.run("ignition-validate wrong.ign")
    assert ended.status == 1
    assert "relative" in ended.stdout


def test_wrong_usage_ends_with_2(guest: Guest) -> None:
    for arguments in (
        "-platform nosuch -stage fetch",
        "-platform file -stage nosuch",
        "-stage fetch",
        "--no-such-flag",
    ):
        assert guest.run(f"ignition {arguments}").status == 2, arguments


def test_a_stage_without_a_cache_says_which_to_run_first(guest: Guest) -> None:
    applied = apply(guest, {}, ("disks",))
    assert applied.failed == "disks"
    assert "fetch" in applied.output


def test_an_empty_config_passes_all_stages(guest: Guest) -> None:
    applied = apply(guest, b"", ALL)
    assert not applied.failed, applied.output
    result = json.loads(guest.read(f"{ROOT}/etc/.ignition-result.json"))
    assert result["userConfigProvided"] is False
    check(guest, f"node {ROOT}/etc/.ignition-result.json file 600 0:0")


def test_a_failure_ends_with_a_block_that_names_all(guest: Guest) -> None:
    config = storage(filesystems=[{"device": B, "format": "ext4", "options": ["-b", "77"]}])
    applied = apply(guest, config, ("fetch", "disks"))
    assert applied.failed == "disks"
    block = applied.stages["disks"].stderr
    assert "stage disks failed" in block
    assert B in block
    assert "invalid block size" in block
    failure = json.loads(guest.read("/run/ignition/failure.json"))["failure"]
    assert failure["stage"] == "disks"


def test_a_killed_run_can_be_repeated(guest: Guest) -> None:
    """SIGKILL at many moments of the stage `disks`: the next run completes the work or says why it does not."""
    config = disk(A, {"number": 1, "label": "one", "sizeMiB": 64}, {"number": 2, "label": "two", "sizeMiB": 64})
    config["storage"]["filesystems"] = [
        {"device": f"{A}1", "format": "ext4", "label": "one"},
        {"device": f"{A}2", "format": "xfs", "options": ["-f"], "wipeFilesystem": True, "label": "two"},
    ]
    config["storage"]["disks"][0]["partitions"][1]["sizeMiB"] = 400
    guest.write("/scenario/config.ign", as_document(config))
    call = (
        "ignition -platform file -stage {stage} -root '' -log-to-stdout -config-cache /scenario/ignition.json "
        "-neednet /scenario/neednet -state-file /scenario/state"
    )
    guest.do(call.format(stage="fetch"))
    for moment in ("0.8", "1.4", "2.0", "3.0"):
        guest.run(f"timeout -s KILL {moment} {call.format(stage='disks')}")
    ended = guest.run(call.format(stage="disks"))
    assert ended.status == 0, ended.output
    check(guest, f"partitions {A} 1 2; holds {A}1 ext4 LABEL=one; holds {A}2 xfs LABEL=two", ended.output)
