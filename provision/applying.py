"""The author's side of applying: from a compiled config to a plan that is shown or carried out, one line an operation."""

import sys

from provision.apply.directory import apply_plan, check_root, plan_directory, preview_plan
from provision.formats import counted
from provision.ignition import Config, upgrade
from provision.record import Spec


def apply_to_root(config: Config, spec: Spec, root: str, *, dry_run: bool, yes: bool, skip: frozenset[str]) -> None:
    """Plan, and carry out unless it is a dry run. Raises ProvisionError for what the machine refuses."""
    if not dry_run:
        check_root(root, yes=yes)
    plan = plan_directory(upgrade(config, spec), root, skip=skip)
    for note in plan.notes:
        print(f"note: {note}", file=sys.stderr)
    if dry_run:
        for line in preview_plan(plan):
            print(line)
        print(f"{counted(len(plan.operations), 'operation')} planned; nothing was written", file=sys.stderr)
        return
    try:
        result = apply_plan(plan)
    except KeyboardInterrupt:
        print("provision: stopped; apply again to complete the work", file=sys.stderr)
        raise
    done = f"{counted(len(result.executed), 'operation')} done in {root}"
    print(done + (f", {len(result.skipped)} already so" if result.skipped else ""), file=sys.stderr)
