"""What becomes of each node and unit that a config names: read off the operations that are planned. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from provision.apply.operations import Operation
from provision.apply.operations.nodes import ChangeAttributes, Remove, WriteFile
from provision.apply.operations.remote import WriteRemote
from provision.apply.operations.units import AppendPresets, MaskUnit, UnmaskUnit
from provision.apply.paths import Found, joined, shown
from provision.apply.plan.draft import Draft
from provision.apply.programs import UNIT_DIRECTORY
from provision.diagnostics import ProvisionError
from provision.ignition import Config, Directory, Link, Node, Unit
from provision.planning.losses import Loss
from provision.planning.toll import Step
from provision.planning.tree import AppendToFile
from provision.typed import Literal, NamedTuple

Action = Literal["keep", "make", "replace", "append", "change", "delete", "absent", "mask", "unmask", "refuse", ""]
NodeKind = Literal["file", "directory", "link", "hard link"]


class NodePlan(NamedTuple):
    """What becomes of a file, directory or link. Mode and owner are those afterwards, None and empty where not known.

    `changes` names what a `change` changes; `sources` are remote, as they may be shown.
    """

    path: str
    kind: NodeKind
    action: Action
    mode: int | None = None
    owner: str = ""
    size: int | None = None
    target: str = ""
    sources: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    lost: Loss | None = None


class UnitPlan(NamedTuple):
    """What becomes of a unit: of its file (empty where the config has none), of its drop-ins, and its state."""

    name: str
    action: Action
    state: Literal["enabled", "disabled", "masked", ""]
    dropins: tuple[tuple[str, Action], ...]
    losses: tuple[Loss, ...] = ()


class Planned:
    """The steps of a plan, by what they are for and by path."""

    def __init__(self, steps: Sequence[Step], draft: Draft, told: Iterable[str]) -> None:
        self.draft = draft
        self.told = tuple(told)
        self.by_origin: dict[int, list[Step]] = {}
        self.by_path: dict[str, list[Step]] = {}
        for step in steps:
            if step.operation.origin is not None:
                self.by_origin.setdefault(id(step.operation.origin), []).append(step)
            self.by_path.setdefault(getattr(step.operation, "path", ""), []).append(step)

    def of(self, record: object, path: str = "") -> list[Step]:
        """The steps that are for a record of the config; with a path only those on it."""
        found = self.by_origin.get(id(record), [])
        return [step for step in found if not path or getattr(step.operation, "path", "") == path]

    def is_refused(self, *places: str) -> bool:
        """Whether a refusal speaks of one of some places."""
        beginnings = tuple(f"{shown(place)}{follows}" for place in places for follows in (": ", " and ", " is "))
        return any(reason.startswith(beginnings) for reason in self.told)


def first_loss(steps: Iterable[Step]) -> Loss | None:
    """What some steps destroy."""
    return next((step.lost for step in steps if step.lost is not None), None)


# ---- nodes ----------------------------------------------------------------------------------------------------------


def node_plans(config: Config, places: dict[int, str], planned: Planned) -> Iterator[NodePlan]:
    """One for each directory, file and link of the config, by path. `places` has the true path of each."""
    storage = config.storage
    nodes: list[Node] = [*storage.directories, *storage.files, *storage.links]
    plans = [node_plan(node, places[id(node)], planned) for node in nodes if id(node) in places]
    return iter(sorted(plans, key=lambda plan: plan.path.split("/")))


def node_plan(node: Node, path: str, planned: Planned) -> NodePlan:
    """One node."""
    steps = planned.of(node, path)
    found = planned.draft.facts.nodes[path]
    plan = NodePlan(path, kind_of(node), "keep", found.mode, found.owner, lost=first_loss(steps))
    plan = plan._replace(size=found.size if found.kind == "file" else None, target=target_of(node))
    if planned.is_refused(path, node.path):
        return plan._replace(action="refuse", lost=None)
    operations = [step.operation for step in steps if not isinstance(step.operation, Remove)]
    return made_of(plan, operations[-1], found) if operations else plan


def kind_of(node: Node) -> NodeKind:
    """What a node of the config is."""
    if isinstance(node, Link):
        return "hard link" if node.hard else "link"
    return "directory" if isinstance(node, Directory) else "file"


def target_of(node: Node) -> str:
    """Where a link leads to."""
    return node.target or "" if isinstance(node, Link) else ""


def made_of(plan: NodePlan, operation: Operation, found: Found) -> NodePlan:
    """The plan of a node that an operation makes or changes."""
    mode, owner = getattr(operation, "mode", None), getattr(operation, "owner", "")
    plan = plan._replace(mode=plan.mode if mode is None else mode)
    if isinstance(operation, ChangeAttributes):
        return plan._replace(
            action="change", changes=tuple(changes(operation, found)), owner=whole_owner(owner, found.owner)
        )
    action: Action = "make" if found.kind == "missing" else "replace"
    if isinstance(operation, AppendToFile) or (isinstance(operation, WriteRemote) and operation.keeps):
        action = "append"
    size = operation.size if isinstance(operation, WriteFile) else None
    sources = tuple(operation.sources()) if isinstance(operation, WriteRemote) else ()
    return plan._replace(
        action=action, owner=whole_owner(owner, found.owner if action == "append" else ""), size=size, sources=sources
    )


def whole_owner(owner: str, former: str) -> str:
    """An owner with both halves: what is not said stays as it was, and is root's on what is new."""
    user, _, group = owner.partition(":")
    old_user, _, old_group = former.partition(":")
    return f"{user or old_user or 0}:{group or old_group or 0}"


def changes(operation: ChangeAttributes, found: Found) -> Iterator[str]:
    """What is changed, from what to what."""
    if operation.mode is not None and operation.mode != found.mode:
        yield f"mode {octal(found.mode)} to {octal(operation.mode)}"
    if operation.owner and operation.owner != found.owner:
        yield f"owner {found.owner or '?'} to {shown(whole_owner(operation.owner, found.owner))}"


def octal(mode: int | None) -> str:
    """Permission bits as people write them."""
    return "?" if mode is None else f"{mode:04o}"


# ---- units ----------------------------------------------------------------------------------------------------------


def unit_plans(config: Config, planned: Planned) -> Iterator[UnitPlan]:
    """One for each unit of the config."""
    for unit in config.systemd.units:
        steps = planned.of(unit)
        losses = tuple(step.lost for step in steps if step.lost is not None)
        yield UnitPlan(
            unit.name, unit_action(unit, planned), state_of(unit), tuple(dropin_actions(unit, planned)), losses
        )


def unit_action(unit: Unit, planned: Planned) -> Action:
    """What becomes of the unit's own file."""
    place = joined(UNIT_DIRECTORY, unit.name)
    for step in planned.of(unit):
        if isinstance(step.operation, MaskUnit):
            return "mask"
        if isinstance(step.operation, UnmaskUnit):
            return "unmask"
    if unit.mask or not unit.contents:
        return "keep" if unit.mask else ""
    return text_action(unit, place, planned)


def text_action(unit: Unit, place: str, planned: Planned) -> Action:
    """What becomes of a file with a text of the unit."""
    try:
        path = planned.draft.resolve(place)
    except ProvisionError:
        return "refuse"
    if planned.is_refused(path, place, f"unit {unit.name}"):
        return "refuse"
    if not any(isinstance(step.operation, WriteFile) for step in planned.of(unit, path)):
        return "keep"
    return "make" if planned.draft.facts.nodes[path].kind == "missing" else "replace"


def dropin_actions(unit: Unit, planned: Planned) -> Iterator[tuple[str, Action]]:
    """What becomes of each drop-in."""
    for dropin in unit.dropins:
        if dropin.contents is not None:
            yield dropin.name, text_action(unit, f"{UNIT_DIRECTORY}/{unit.name}.d/{dropin.name}", planned)


def state_of(unit: Unit) -> Literal["enabled", "disabled", "masked", ""]:
    """Whether a unit starts."""
    if unit.mask:
        return "masked"
    return "" if unit.enabled is None else "enabled" if unit.enabled else "disabled"


def preset_words(steps: Sequence[Step]) -> list[str]:
    """The lines that are added to the presets."""
    return [shown(line) for step in steps if isinstance(step.operation, AppendPresets) for line in step.operation.lines]
