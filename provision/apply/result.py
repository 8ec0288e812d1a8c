"""The result file: when, in which boot and with what the machine was provisioned, or what kept it from that.

Source: Ignition, `internal/exec/stages/files/filesystemEntries.go`. What went wrong stands under `failure`.
"""

import os
from collections.abc import Callable, Iterator

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


def result_planner(root: str, state: State) -> Callable[[Draft], Iterator[Operation]]:
    """A planner for the file."""
    content = as_json(success(root, state))
    source = data_url(content)

    def plan_result(draft: Draft) -> Iterator[Operation]:
        path = result_path()
        file = File(path=path, mode=MODE, overwrite=True, contents=FileContents(source=source))
        yield from plan_file(draft.resolve(path), file, draft)

    return plan_result


def success(root: str, state: State) -> dict[str, Any]:
    """The report of a machine that is provisioned."""
    report = boot() | {"userConfigProvided": any(each.get("kind") == "user" for each in state.fetched)}
    previous = previous_report(root)
    return report | ({"previousReport": previous} if previous is not None else {})


def boot() -> dict[str, Any]:
    """This boot and the present time."""
    import time

    with open(BOOT_ID) as file:
        boot_id = file.read().strip()
    zone = time.strftime("%z")
    date = time.strftime("%Y-%m-%dT%H:%M:%S") + ("Z" if zone == "+0000" else f"{zone[:3]}:{zone[3:]}")
    return {"provisioningBootID": boot_id, "provisioningDate": date}


def previous_report(root: str) -> Any:
    """What an earlier run wrote, unless the system is live and starts anew at each boot; None where there is nothing."""
    import json

    inside = Root(root)
    try:
        path = inside.resolve(result_path())
        if inside.look(path).kind != "file":
            return None
        text = inside.read(path)
    finally:
        inside.close()
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


def as_json(report: dict[str, Any]) -> bytes:
    """A report as the file has it."""
    import json

    return json.dumps(report, indent=2).encode() + b"\n"
