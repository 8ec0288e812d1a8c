"""What a scenario is, and how it is played: something is prepared in the guest, the applier of the checkout runs there
stage by stage, as in an initramfs, and then the guest's own tools look at what came of it.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest
from vm_guest import Ended, Guest

VERSION = "3.6.0"

# The blank disks. A has 2 GiB, the others 1 GiB; those of K4 are in sectors of 4096 bytes.
A, B, C, D, E, K4 = "/dev/vdb", "/dev/vdc", "/dev/vdd", "/dev/vde", "/dev/vdf", "/dev/vdg"
NAMES = {"a": A, "b": B, "c": C, "d": D, "e": E, "4kn": K4}
ROOT = "/sysroot"

FETCH, DISKS = ("fetch",), ("fetch", "disks")
FILES = ("fetch", "files")
ALL = ("fetch", "disks", "mount", "files", "umount")
# Of these stages Ignition's own suite gives no root.
ROOTLESS = ("fetch-offline", "fetch", "kargs", "disks")

# What no run may say, whatever comes of it.
BUGS = re.compile(r"Traceback|panic|Warning:|Exception ignored")
STAGE_S = 120.0

Json = dict[str, Any]


class Applied(NamedTuple):
    """How the stages ended, up to the first that failed."""

    stages: dict[str, Ended]

    @property
    def failed(self) -> str:
        """The stage that failed, if one did."""
        return next((stage for stage, ended in self.stages.items() if ended.status), "")

    @property
    def output(self) -> str:
        """All that was said."""
        return "\n".join(ended.output for ended in self.stages.values())


class Scenario(NamedTuple):
    """A row of a table. `before` and `after` are scripts with the functions of in_guest/checks.sh; the stages must all
    succeed, or one must fail with words that `fails` finds. Then `after` holds, too: what may not have been touched.
    """

    title: str
    config: Json
    before: str = ""
    after: str = ""
    fails: str = ""
    stages: Sequence[str] = DISKS
    # The target root: `debian` for a system, `empty` for a folder, or a device that is mounted after the stage disks.
    root: str = "empty"
    environ: dict[str, str] = {}  # noqa: RUF012  # a default that nobody changes


def play(guest: Guest, scenario: Scenario) -> None:
    """Play one scenario."""
    prepare_root(guest, scenario.root)
    if scenario.before:
        check(guest, scenario.before)
    applied = apply(guest, scenario.config, scenario.stages, root=scenario.root, environ=scenario.environ)
    assert not BUGS.search(applied.output), applied.output
    if scenario.fails:
        assert applied.failed, f"it did not fail:\n{applied.output}"
        said = " ".join(applied.output.split())
        assert re.search(scenario.fails, said, re.IGNORECASE), (
            f"failed for another reason than {scenario.fails!r}:\n{applied.output}"
        )
    else:
        assert not applied.failed, f"{applied.failed} failed:\n{applied.output}"
        assert "CRITICAL" not in applied.output, applied.output
    if scenario.after:
        check(guest, scenario.after, said=applied.output)


def rows(*scenarios: Scenario) -> pytest.MarkDecorator:
    """The parametrization over a table; the titles are the names of the tests."""
    return pytest.mark.parametrize("scenario", scenarios, ids=[each.title.replace(" ", "-") for each in scenarios])


def check(guest: Guest, script: str, said: str = "") -> str:
    """Run a script with the checks at hand."""
    ended = guest.run(f". /vm/checks.sh\n{script}", timeout_s=120)
    lines = "\n".join(f"  {line}" for line in said.splitlines()[-60:])
    assert ended.status == 0, (
        f"status {ended.status}:\n{ended.output}\nof the script\n{script}\n\nthe applier said\n{lines}"
    )
    return ended.stdout.strip()


def apply(
    guest: Guest,
    config: Json | bytes,
    stages: Sequence[str] = ALL,
    *,
    root: str = "empty",
    environ: dict[str, str] | None = None,
    flags: str = "",
) -> Applied:
    """Run stages, each in a process of its own. After a failure the rest is left out, but for umount."""
    guest.write("/scenario/config.ign", as_document(config))
    ended: dict[str, Ended] = {}
    for stage in stages:
        if any(each.status for each in ended.values()) and not (stage == "umount" and "mount" in ended):
            continue
        if stage not in ROOTLESS and root.startswith("/dev/"):
            guest.do(f"mountpoint -q {ROOT} || mount {root} {ROOT}")
        ended[stage] = run_stages(guest, stage, environ, flags)
    return Applied(ended)


def run_stages(guest: Guest, stages: str, environ: dict[str, str] | None = None, flags: str = "") -> Ended:
    """One process of the applier, with the arguments that Ignition's own suite gives."""
    where = "" if stages in ROOTLESS else ROOT
    return guest.run(
        f"ignition -platform file -stage {stages} -root '{where}' -log-to-stdout -config-cache /scenario/ignition.json "
        f"-neednet /scenario/neednet -state-file /scenario/state {flags}",
        timeout_s=STAGE_S,
        environ=environ,
    )


def as_document(config: Json | bytes) -> bytes:
    """A config as the file that the applier reads; a dict without a version gets one."""
    if isinstance(config, bytes):
        return config
    ignition = {"version": VERSION, **config.get("ignition", {})}
    return json.dumps({**config, "ignition": ignition}).encode()


def prepare_root(guest: Guest, kind: str) -> None:
    """Make the target root."""
    if kind == "debian":
        guest.do(
            "mkdir /run/root && mount -t tmpfs root /run/root && mkdir /run/root/upper /run/root/work && mount -t overlay "
            f"-o lowerdir=/vm/lower,upperdir=/run/root/upper,workdir=/run/root/work root {ROOT}"
        )


def storage(**sections: Any) -> Json:
    """A config with storage alone."""
    return {"storage": sections}


def disk(device: str, *partitions: Json, **more: Any) -> Json:
    """A config with one disk."""
    return storage(disks=[{"device": device, "partitions": list(partitions), **more}])
