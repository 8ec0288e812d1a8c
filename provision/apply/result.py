"""The result file: when, in which boot and with what the machine was provisioned, or what kept it from that.

Source: Ignition, `internal/exec/stages/files/filesystemEntries.go`. What went wrong stands under `failure`.
"""

import os
from collections.abc import Iterator

from provision.apply import log
from provision.apply.commands import run
from provision.apply.operations import Operation
from provision.apply.paths import shown
from provision.apply.plan.draft import Draft
from provision.apply.plan.files import plan_file
from provision.apply.programs import setting
from provision.apply.roots import Root
from provision.apply.state import State
from provision.contents import data_url
from provision.diagnostics import ProvisionError
from provision.ignition import File, FileContents
from provision.typed import Any

BOOT_ID = "/proc/sys/kernel/random/boot_id"
MODE = 0o600


def result_path() -> str:
    """Where the file goes in the root."""
    return setting("PROVISION_RESULT_FILE", os.environ)


def plan_result(draft: Draft, root: str, state: State) -> Iterator[Operation]:
    """The file, with what an earlier run wrote there."""
    place = result_path()
    path = draft.resolve(place)
    report = success(state)
    # A run that goes on does not find its own success, but the failure of the one before.
    previous = failure_report(root) or previous_report(path, draft)
    if previous is not None:
        report["previousReport"] = previous
    source = data_url(as_json(report))
    yield from plan_file(path, File(path=place, mode=MODE, overwrite=True, contents=FileContents(source=source)), draft)


def success(state: State) -> dict[str, Any]:
    """The report of a machine that is provisioned."""
    return boot() | {"userConfigProvided": any(each.get("kind") == "user" for each in state.fetched)}


def boot() -> dict[str, Any]:
    """This boot and the present time."""
    import time

    with open(BOOT_ID) as file:
        boot_id = file.read().strip()
    zone = time.strftime("%z")
    date = time.strftime("%Y-%m-%dT%H:%M:%S") + ("Z" if zone == "+0000" else f"{zone[:3]}:{zone[3:]}")
    return {"provisioningBootID": boot_id, "provisioningDate": date}


def previous_report(path: str, draft: Draft) -> Any:
    """What an earlier run wrote, unless the system is live and starts anew at each boot; None where there is nothing."""
    import json

    if draft.facts.nodes[path].kind != "file":
        return None
    text = draft.facts.contents[path]
    try:
        run("is-live-image")
        return None
    except ProvisionError:
        log.warning("this system was provisioned before; once more is not what configs are made for")
    try:
        return json.loads(text)
    except ValueError:
        log.warning(f"the report {shown(result_path())} of the earlier run is damaged and left out")
        return None


def failure_report(host_path: str) -> Any:
    """What a run that failed wrote into a root; None where the last one did not."""
    import json

    root = Root(host_path)
    try:
        report = json.loads(root.text(result_path()) or "null")
    except (OSError, ValueError):
        return None
    finally:
        root.close()
    return report if isinstance(report, dict) and "failure" in report else None


def as_json(report: dict[str, Any]) -> bytes:
    """A report as the file has it."""
    import json

    return json.dumps(report, indent=2).encode() + b"\n"
