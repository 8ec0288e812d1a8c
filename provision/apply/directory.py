"""Applying a config to a root directory: what the command lines call."""

from collections.abc import Callable, Iterator

from provision.apply.facts import Facts
from provision.apply.fetching import Fetching
from provision.apply.operations import Operation
from provision.apply.plan.draft import Draft
from provision.apply.plan.leftovers import NOTHING_LEFT, Leftovers, plan_leftovers
from provision.apply.plan.unsupported import SKIPPABLE, refuse_unsupported
from provision.apply.references import Rendering, render
from provision.apply.roots import Root, survey
from provision.apply.runner import Keeper, Progress, Result, run, say
from provision.apply.stages import STAGES
from provision.contents import Blobs
from provision.diagnostics import ProvisionError
from provision.ignition import Config
from provision.typed import NamedTuple

# Refusals that one message lists before it only counts.
MAX_LISTED = 20


class Plan(NamedTuple):
    """What will be done to a root, what people should know of it, and the content that it writes, by hash."""

    root: str
    operations: tuple[Operation, ...]
    notes: tuple[str, ...]
    blobs: Blobs


def plan_directory(
    config: Config,
    root: str,
    *,
    skip: frozenset[str] = frozenset(),
    handled: frozenset[str] = frozenset(),
    rendering: Rendering | None = None,
    is_offline: bool = False,
    left: Leftovers = NOTHING_LEFT,
    finish: Callable[[Draft], Iterator[Operation]] | None = None,
    look: Callable[[Root], Facts] = survey,
) -> Plan:
    """Decide what a config of the newest spec does to a root directory; writes nothing.

    `skip` names sections (SKIPPABLE) to leave out, `handled` those that other stages do. `rendering` says how configs
    that it refers to are read; without one, only data URLs are. `left` is what earlier stages have for the root,
    `finish` plans what comes last, `look` finds the facts. Raises ProvisionError with every reason not to start.
    """
    inside = Root(root)
    try:
        draft = Draft(look(inside), is_offline=is_offline, mount_points=left.directories)
        return plan(render(config, rendering), draft, root, skip, handled, left, finish)
    finally:
        inside.close()


def plan(
    config: Config,
    draft: Draft,
    root: str,
    skip: frozenset[str] = frozenset(),
    handled: frozenset[str] = frozenset(),
    left: Leftovers = NOTHING_LEFT,
    finish: Callable[[Draft], Iterator[Operation]] | None = None,
) -> Plan:
    """The plan for a root of which the facts are known."""
    unknown = skip.difference(SKIPPABLE)
    if unknown:
        raise ProvisionError(
            f"--skip {', '.join(sorted(unknown))}: not a section; there are {', '.join(SKIPPABLE)}", exit_code=2
        )
    refuse_unsupported(config, draft, skip, handled)
    operations = [
        operation
        for stage in STAGES
        if stage.name not in skip
        for planner in stage.planners
        for operation in planner(config, draft)
    ]
    if "luks" in handled:
        operations += plan_leftovers(config, draft, left)
    operations += finish(draft) if finish is not None else ()
    if draft.refusals:
        raise refusal(draft.refusals, root)
    if not draft.facts.is_root:
        draft.note("not running as root: owners are not set, what is made belongs to the user who runs this")
    return Plan(root, tuple(operations), tuple(draft.notes), draft.blobs)


def refusal(reasons: list[str], root: str) -> ProvisionError:
    """All reasons in one message."""
    listed = [f"  {reason}" for reason in reasons[:MAX_LISTED]]
    if len(reasons) > MAX_LISTED:
        listed.append(f"  and {len(reasons) - MAX_LISTED} more")
    return ProvisionError("\n".join([f"nothing was written to {root}:", *listed]))


def check_root(root: str, *, yes: bool) -> None:
    """Refuse a root that is no directory, and the running system unless it was confirmed with --yes."""
    inside = Root(root)
    try:
        if inside.is_running_system() and not yes:
            raise ProvisionError(
                f"--root {root} is the running system itself; confirm with --yes to change it", exit_code=2
            )
    finally:
        inside.close()


def apply_plan(
    plan: Plan, progress: Progress = say, fetching: Fetching | None = None, journal: Keeper | None = None
) -> Result[Operation]:
    """Carry out a plan; `progress` is told of every operation. Raises ProvisionError at the first that fails.

    What was made gets its SELinux labels, and is on the disks when this returns. With a journal a run that was cut off
    goes on; what that made gets its labels now.
    """
    from provision.apply.labels import Labels
    from provision.apply.system import Machine

    machine = Machine(plan.root, plan.blobs, fetching)
    labels = Labels(machine.host_path)
    try:
        result = run(plan.operations, machine, progress, journal)
        if labels.policy is not None:
            for operation in result.executed if journal is None else plan.operations:
                labels.add(*operation.touched(machine))
            labels.apply()
        machine.sync()
        return result
    finally:
        machine.close()


def preview_plan(plan: Plan) -> Iterator[str]:
    """The lines of a dry run: each operation, and how it changes the text files that exist; writes nothing."""
    from provision.apply.preview import preview

    root = Root(plan.root)
    try:
        yield from preview(plan.operations, root, plan.blobs)
    except OSError as error:
        raise ProvisionError(f"{plan.root}: cannot be looked at: {error.strerror}") from None
    finally:
        root.close()
