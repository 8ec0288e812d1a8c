"""What a config would do to a machine: everything decided, nothing done. Pure."""

from collections.abc import Iterator

from provision.apply.operations import Act
from provision.apply.operations.kernel_arguments import ChangeKernelArguments
from provision.apply.operations.remote import WriteRemote
from provision.apply.operations.users import SetPassword
from provision.apply.paths import shown
from provision.apply.plan.kernel_arguments import plan_kernel_arguments
from provision.apply.references import Rendering, render
from provision.apply.sources import shown_url
from provision.contents import content_of, is_remote
from provision.ignition import Config, Resource
from provision.planning.accounts import AccountPlan, group_plans, user_plans
from provision.planning.disks import DiskPlan, plan_disks
from provision.planning.known import KnownDevices
from provision.planning.losses import Loss
from provision.planning.machine import Machine, listed
from provision.planning.root import draft_for, left_by, places_of, root_operations
from provision.planning.rows import NodePlan, Planned, UnitPlan, node_plans, preset_words, unit_plans
from provision.planning.storage import MountPlan, ThingPlan, plan_formats, plan_luks, plan_raid, plan_views
from provision.planning.toll import Step, priced
from provision.planning.tree import ForecastDraft
from provision.typed import Any, NamedTuple

# What stands for a config that is not fetched.
NO_CONFIG = b'{"ignition":{"version":"3.0.0"}}'


class Fetch(NamedTuple):
    """Something that would be fetched, as people may know it, and what for."""

    source: str
    what: str


class Priced(NamedTuple):
    """An operation of the whole plan, and what it destroys."""

    operation: Act[Any]
    losses: tuple[Loss, ...] = ()


class Forecast(NamedTuple):
    """All that a config would do to a machine. `operations` stand in the order in which they would be done."""

    machine: Machine
    kernel_arguments: ChangeKernelArguments | None
    disks: tuple[DiskPlan, ...]
    arrays: tuple[ThingPlan, ...]
    volumes: tuple[ThingPlan, ...]
    filesystems: tuple[ThingPlan, ...]
    mounts: tuple[MountPlan, ...]
    devices: KnownDevices
    users: tuple[AccountPlan, ...]
    groups: tuple[AccountPlan, ...]
    nodes: tuple[NodePlan, ...]
    units: tuple[UnitPlan, ...]
    presets: tuple[str, ...]
    fetches: tuple[Fetch, ...]
    operations: tuple[Priced, ...]
    refusals: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def destroyed(self) -> tuple[Loss, ...]:
        """What exists and would be gone."""
        return tuple(loss for priced in self.operations for loss in priced.losses)


class OfflineReads:
    """Reads what data URLs hold; `skipped` has what would have to be fetched, and counts as an empty config."""

    def __init__(self) -> None:
        self.skipped: list[str] = []

    def read(self, resource: Resource) -> bytes:
        """The bytes of a resource."""
        if is_remote(resource):
            self.skipped.append(shown_url(resource.source or ""))
            return NO_CONFIG
        return content_of(resource)

    def for_config(self, config: Config) -> "OfflineReads":
        """Settings change nothing here."""
        return self


def forecast(config: Config, machine: Machine) -> Forecast:
    """Decide what a config of the newest spec does to a machine. Raises ProvisionError for a config that it refers to
    and that is wrong; what stands against the plan itself is in `refusals`.
    """
    reads = OfflineReads()
    config = render(config, Rendering(reads))
    known = KnownDevices(machine.devices)
    disks, arrays = tuple(plan_disks(config, known)), tuple(plan_raid(config, known))
    volumes, formats = tuple(plan_luks(config, known)), tuple(plan_formats(config, known))
    mounts = tuple(plan_views(config, formats, machine, known))
    draft = draft_for(machine, mounts)
    places = places_of(config, draft)
    steps = tuple(priced(root_operations(config, draft, left_by(config, volumes, known)), draft))
    planned = Planned(steps, draft, draft.refusals)
    # What is refused is an error already, and needs no remark.
    doubtful = {*known.pending, *(plan.device for plan in formats if plan.action == "refuse")}
    arguments = next(plan_kernel_arguments(config), None)
    return Forecast(
        machine, arguments, disks, arrays, volumes, formats, mounts, known,
        tuple(user_plans(config, planned)), tuple(group_plans(config, planned)),
        tuple(node_plans(config, places, planned)), tuple(unit_plans(config, planned)),
        tuple(preset_words(steps)),
        tuple(fetches(config, reads.skipped, steps)),
        tuple(all_operations(arguments, disks, (*arrays, *volumes, *formats), mounts, steps)),
        tuple(dict.fromkeys([*known.refusals, *draft.refusals])),
        tuple(dict.fromkeys([*machine.notes, *known.notes, *busy_remark(known), *draft.notes, *remarks(machine, [mount for mount in mounts if mount.operation.device not in doubtful], steps, draft, reads)])),
    )  # fmt: skip


# ---- the whole ------------------------------------------------------------------------------------------------------


def all_operations(
    arguments: ChangeKernelArguments | None,
    disks: tuple[DiskPlan, ...],
    things: tuple[ThingPlan, ...],
    mounts: tuple[MountPlan, ...],
    steps: tuple[Step, ...],
) -> Iterator[Priced]:
    """Every operation in the order of the stages. What several operations of one thing destroy stands with the first."""
    yield from [Priced(arguments)] if arguments is not None else []
    acts = [(disk.operations, disk.losses) for disk in disks] + [(thing.operations, thing.losses) for thing in things]
    for operations, losses in acts:
        for at, operation in enumerate(operations):
            yield Priced(operation, () if at else losses)
    yield from (Priced(mount.operation) for mount in mounts)
    yield from (Priced(step.operation, (step.lost,) if step.lost is not None else ()) for step in steps)


def fetches(config: Config, skipped: list[str], steps: tuple[Step, ...]) -> Iterator[Fetch]:
    """All that would be fetched, in the order in which it is needed."""
    yield from (Fetch(source, "a config, which this plan leaves out") for source in skipped)
    for authority in config.ignition.security.tls.certificate_authorities:
        if is_remote(authority):
            yield Fetch(shown_url(authority.source or ""), "a certificate authority")
    for volume in config.storage.luks:
        if is_remote(volume.key_file):
            yield Fetch(shown_url(volume.key_file.source or ""), f"the key of volume {shown(volume.name)}")
        for tang in volume.clevis.tang if volume.clevis is not None else ():
            if not tang.advertisement:
                yield Fetch(shown_url(tang.url), f"the Tang server of volume {shown(volume.name)}")
    for step in steps:
        if isinstance(step.operation, WriteRemote):
            yield from (Fetch(source, shown(step.operation.path)) for source in step.operation.sources())


def remarks(
    machine: Machine, mounts: list[MountPlan], steps: tuple[Step, ...], draft: ForecastDraft, reads: OfflineReads
) -> Iterator[str]:
    """What people should know of how far the plan can be trusted."""
    for source in reads.skipped:
        yield f"{source} is not fetched: what that config asks for is not in this plan"
    for mount in mounts:
        if mount.operation.path == "/" and mount.shows != "seen":
            yield "the root itself is another file system than the recorded one: files and users of an image are not known"
        elif mount.shows == "unseen":
            device, path = shown(mount.operation.device), shown(mount.operation.path)
            yield f"what {device} holds is not known: {path} is taken for empty"
    if any(isinstance(step.operation, SetPassword) and is_guess(step.operation.name, draft) for step in steps):
        yield "passwords are not known here: those that the config sets may be set already"
    if draft.strangers:
        yield f"not known here, so they must be in the root: {listed(draft.strangers)}"
    yield from machine.gaps()


def busy_remark(known: KnownDevices) -> Iterator[str]:
    """How to see what will be done once nothing is in use any more."""
    if any(" in use (" in reason for reason in known.refusals):
        yield "what is in use is not touched; --idle shows what a first boot would do, when nothing is"


def is_guess(name: str, draft: ForecastDraft) -> bool:
    """Whether a user exists whose password nobody has seen."""
    account = draft.facts.users.get(name)
    return account is not None and not account.password
