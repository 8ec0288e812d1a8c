"""What would be done to the root: users, files, units, and what the stage for disks leaves for it. Pure."""

from collections.abc import Iterator

from provision.apply.operations import Operation
from provision.apply.plan.leftovers import Leftovers, plan_leftovers
from provision.apply.programs import SETTINGS
from provision.apply.stages import STAGES
from provision.contents import content_of, data_url, is_remote
from provision.diagnostics import ProvisionError
from provision.ignition import Config, Luks
from provision.planning.known import KnownDevices
from provision.planning.machine import ROOT_GROUP, ROOT_USER, Machine
from provision.planning.storage import MountPlan, ThingPlan
from provision.planning.toll import priced
from provision.planning.tree import Covered, ForecastDraft

# What stands for the key of a volume that is made at random or fetched, and for the UUID that its header will get.
UNKNOWN_KEY, UNKNOWN_UUID = data_url(b"\0"), "00000000-0000-0000-0000-000000000000"
KEY_FOLDER = SETTINGS["PROVISION_LUKS_KEY_DIR"]


def draft_for(machine: Machine, mounts: tuple[MountPlan, ...]) -> ForecastDraft:
    """A plan for the root with all that is mounted in it. One that is made anew is as good as unknown."""
    is_new = any(mount.operation.path == "/" and mount.shows != "seen" for mount in mounts)
    facts = machine.facts
    if is_new:
        facts = facts._replace(users={"root": ROOT_USER}, groups={"root": ROOT_GROUP})
    covered = Covered(facts.nodes, mounts)
    return ForecastDraft(facts, covered, is_assumed=machine.is_assumed or is_new, key_folder=KEY_FOLDER)


def places_of(config: Config, draft: ForecastDraft) -> dict[int, str]:
    """The true path of each node of the config, as it is before anything is done."""
    storage, places = config.storage, {}
    for node in (*storage.directories, *storage.files, *storage.links):
        try:
            places[id(node)] = draft.resolve(node.path)
        except ProvisionError:
            continue  # the planner tells
    return places


def root_operations(config: Config, draft: ForecastDraft, left: Leftovers) -> Iterator[Operation]:
    """What is done to the root. Where a planner gives up it is refused, and the others go on."""
    plans = [planner(config, draft) for stage in STAGES for planner in stage.planners]
    for plan in (*plans, plan_leftovers(config, draft, left)):
        try:
            yield from plan
        except ProvisionError as error:
            draft.refuse(str(error))


def paths_asked(config: Config, machine: Machine) -> list[str]:
    """All paths of a root that planning a config looks at, whatever will be mounted there."""
    draft = draft_for(machine, ())
    volumes = tuple(ThingPlan(volume, volume.device or "", "make", "") for volume in config.storage.luks)
    places_of(config, draft)
    for _ in priced(root_operations(config, draft, left_by(config, volumes, KnownDevices(()))), draft):
        pass
    return list(machine.facts.nodes)


def left_by(config: Config, volumes: tuple[ThingPlan, ...], known: KnownDevices) -> Leftovers:
    """What the stage for disks would leave for the root; keys and ids that only the run makes are stood in for."""
    keys, uuids = {}, {}
    for plan in volumes:
        if isinstance(plan.record, Luks):
            keys[plan.record.name] = key_of(plan.record)
            uuids[plan.record.name] = uuid_of(plan, plan.record, known)
    return Leftovers(keys, {}, uuids, (), (), KEY_FOLDER)


def key_of(volume: Luks) -> str:
    """The key of a volume as a data URL."""
    if not volume.key_file.source or is_remote(volume.key_file):
        return UNKNOWN_KEY
    try:
        return data_url(content_of(volume.key_file))
    except ProvisionError:
        return UNKNOWN_KEY


def uuid_of(plan: ThingPlan, volume: Luks, known: KnownDevices) -> str:
    """The UUID in the header of a volume."""
    device = known.by_name.get(plan.device)
    found = device.signatures[0].uuid if device is not None and device.signatures and plan.action == "keep" else ""
    return volume.uuid or found or UNKNOWN_UUID
