"""The author's side of applying: from a compiled config to a plan that is shown or carried out, one line an operation."""

import os
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from provision.apply.devices import BlockDevice
from provision.apply.directory import apply_plan, check_root, plan_directory, preview_plan
from provision.apply.fetching import PATIENCE_S, Fetching
from provision.apply.operations.devices import DeviceAct
from provision.apply.references import Rendering, render
from provision.diagnostics import ProvisionError
from provision.formats import counted
from provision.ignition import Config, upgrade
from provision.transpile.compile import Compiled

if TYPE_CHECKING:
    from provision.planning.forecast import Priced

USAGE = 2


class Target(NamedTuple):
    """What a config is applied to: a root directory, with `disks` also the disks of this machine, or a disk image."""

    root: str | None
    image: str | None
    disks: bool
    dry_run: bool
    yes: bool
    offline: bool
    skip: frozenset[str]


def apply_compiled(compiled: Compiled, target: Target) -> None:
    """Plan, and carry out unless it is a dry run. Raises ProvisionError for what the machine refuses."""
    from provision.apply.failure import report_of
    from provision.apply.runner import OperationError
    from provision.transpile.source_map import places_of

    check(target)
    config = config_of(compiled)
    try:
        if target.image is not None or target.disks:
            apply_to_disks(config, target)
        else:
            apply_to_root(config, target, compiled.hide or str)
    except OperationError as error:
        raise ProvisionError(report_of(error, "", places_of(compiled)).message()) from error
    except KeyboardInterrupt:
        print("provision: stopped; apply again to complete the work", file=sys.stderr)
        raise


def config_of(compiled: Compiled) -> Config:
    """What is applied: the config in the newest spec."""
    if compiled.config is None or compiled.author is None:
        raise ValueError("a document that could not be read is not applied")
    return upgrade(compiled.config, compiled.author.spec)


def check(target: Target) -> None:
    """Raise ProvisionError for options that do not fit together."""
    if (target.root is None) == (target.image is None):
        raise ProvisionError("say what to apply to: --root DIR or --image DISK.img", exit_code=USAGE)
    if target.image is not None and (target.disks or target.skip):
        raise ProvisionError(
            "--image takes neither --disks nor --skip: the whole config goes onto the image", exit_code=USAGE
        )
    if target.root is not None and not target.dry_run:
        check_root(target.root, yes=target.yes)
    if (target.image is not None or target.disks) and target.dry_run:
        raise ProvisionError(
            "to see what becomes of disks without touching them, use `provision plan`", exit_code=USAGE
        )


def apply_to_root(config: Config, target: Target, hide: Callable[[str], str]) -> None:
    """Fill a root directory; `hide` takes the secrets of a template out of what is shown."""
    fetching = None if target.offline else Fetching(config, patience_s=PATIENCE_S)
    root = target.root or ""
    plan = plan_directory(
        config, root, skip=target.skip, is_offline=target.offline,
        rendering=Rendering(fetching) if fetching is not None and not target.dry_run else None,
    )  # fmt: skip
    for note in plan.notes:
        print(f"note: {note}", file=sys.stderr)
    if target.dry_run:
        for line in preview_plan(plan):
            print(hide(line))
        print(f"{counted(len(plan.operations), 'operation')} planned; nothing was written", file=sys.stderr)
        return
    from provision.apply.console import Console

    with Console() as console:
        if fetching is not None:
            fetching.tell = console.fetched
        result = apply_plan(plan, console.step, fetching)
    done = f"{counted(len(result.executed), 'operation')} done in {root}"
    print(done + (f", {len(result.skipped)} already so" if result.skipped else ""), file=sys.stderr)


def apply_to_disks(config: Config, target: Target) -> None:
    """Set up disks and fill what is mounted from them; what they hold is only given up where that was confirmed."""
    from provision.apply.console import Console
    from provision.apply.deploy import deploy, deploy_image

    if os.geteuid():
        raise ProvisionError("only root can change disks; run as root")
    fetching = Fetching(config, patience_s=PATIENCE_S)
    config = render(config, Rendering(fetching))
    with Console() as console:
        fetching.tell = console.fetched
        if target.image is not None:
            deploy_image(config, target.image, fetching, console.step, partial(confirm, target))
        else:
            deploy(config, target.root or "", fetching, console.step, partial(confirm, target))
    print(f"provisioned {target.image or target.root}", file=sys.stderr)


def confirm(target: Target, config: Config, devices: tuple[BlockDevice, ...]) -> None:
    """Name what will be erased. Raises ProvisionError where there is anything, and --yes was not given."""
    from provision.planning.forecast import forecast
    from provision.planning.machine import Machine, empty_root

    planned = forecast(config, Machine("", devices, empty_root(), target.root or "/", (), list))
    changed = changed_devices(planned.operations) if target.disks else ()
    for device in changed:
        print(f"{'changing' if target.yes else 'would change'} {device}", file=sys.stderr)
    for loss in planned.destroyed:
        print(f"{'erasing' if target.yes else 'would erase'} {loss.words()}", file=sys.stderr)
    if (changed or planned.destroyed) and not target.yes:
        raise ProvisionError("nothing was changed; confirm with --yes that this is meant", exit_code=USAGE)


def changed_devices(operations: "Iterable[Priced]") -> tuple[str, ...]:
    """The devices that acts write to, in their order."""
    acts = (priced.operation for priced in operations)
    named = ((getattr(act, "device", ""), *getattr(act, "devices", ())) for act in acts if isinstance(act, DeviceAct))
    return tuple(dict.fromkeys(name for names in named for name in names if name))
