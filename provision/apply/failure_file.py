"""Where a failure is kept for those who come later: on this machine until it is switched off, and in the root."""

import os

from provision.apply import log
from provision.apply.failure import Report
from provision.diagnostics import ProvisionError

FAILURE_FILE = "/run/ignition/failure.json"
FAILURE_MODE = 0o600


def keep_failure(report: Report, root: str, stage: str, host_path: str = FAILURE_FILE) -> None:
    """Write the failure where it is found later: on this machine, and in the root where a stage had begun to fill it."""
    from provision.apply.result import as_json, boot
    from provision.apply.state import write_whole

    try:
        content = as_json({**boot(), "failure": report.as_dict()})
        if stage == "files" and root:
            keep_in_root(root, content)
        os.makedirs(os.path.dirname(host_path), mode=0o700, exist_ok=True)
        write_whole(host_path, content, FAILURE_MODE)
    except (OSError, ProvisionError) as error:
        log.notice(f"the failure could not be written down: {error}")


def keep_in_root(root: str, content: bytes) -> None:
    """Write the failure in the place of the result, unless there is no folder for it. Links do not lead out."""
    from provision.apply.paths import parent_of
    from provision.apply.result import result_path
    from provision.apply.system import Machine

    machine = Machine(root, {})
    try:
        path = machine.resolve(result_path())
        if machine.look(parent_of(path)).kind == "directory":
            machine.replace(path, content, FAILURE_MODE, "")
    except (OSError, ProvisionError) as error:
        log.notice(f"the failure could not be written to {root}: {error}")
    finally:
        machine.close()
