"""The stages, a table in execution order: each a name, which `--skip` may take, and its planners."""

from collections.abc import Callable, Iterator

from provision.apply.operations import Operation
from provision.apply.plan.draft import Draft
from provision.apply.plan.enabling import plan_enabling
from provision.apply.plan.files import plan_files
from provision.apply.plan.units import plan_units
from provision.apply.plan.users import plan_users
from provision.ignition import Config
from provision.typed import NamedTuple

Planner = Callable[[Config, Draft], Iterator[Operation]]


class Stage(NamedTuple):
    """One part of the work."""

    name: str
    planners: tuple[Planner, ...]


STAGES: tuple[Stage, ...] = (
    Stage("passwd", (plan_users,)),
    Stage("files", (plan_files,)),
    Stage("units", (plan_units, plan_enabling)),
)
