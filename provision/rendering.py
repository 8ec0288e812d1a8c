"""`provision merge --machineconfig`: MachineConfigs from files to the one that a pool's machines get.

Takes MachineConfigs and pools in any number of files, several in a file if need be, and Butane's openshift variant.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from provision.apply.paths import shown
from provision.diagnostics import Diagnostic, ProvisionError
from provision.formats import counted
from provision.ignition import Config
from provision.inputs import STDIN, STDIN_NAME, read_input
from provision.inspection.tree import aligned
from provision.schema.machineconfig import LabelSelector, MachineConfig, MachineConfigPool
from provision.transpile.author import Options
from provision.transpile.compile import Compiled, compile_all
from provision.transpile.machineconfig import ignition_of
from provision.transpile.machineconfig.objects import BUILT_IN_POOLS, role_of
from provision.transpile.machineconfig.pools import selector_of, selects
from provision.transpile.machineconfig.render import Contest, Member, contests, ordered, render
from provision.transpile.machineconfig.rules import size_findings
from provision.transpile.output import MACHINECONFIG_HEADER, to_json, to_yaml

HEADER = b"# Merged by provision; do not edit\n"
# What only the whole shows: of each config alone its file has told the rest.
OF_THE_WHOLE = ("PV763", "PV764", "PV775")


class Merged(NamedTuple):
    """What a merge gave: the output, None where something is wrong; what was found; and, if wanted, why it is so."""

    data: bytes | None
    diagnostics: list[Diagnostic]
    sources: dict[str, str]
    files: list[str]
    explanation: str = ""


class Inputs(NamedTuple):
    """What the files hold."""

    members: list[Member]
    pools: dict[str, LabelSelector | None]
    diagnostics: list[Diagnostic]
    sources: dict[str, str]


def merge_files(
    paths: Sequence[str], pool: str | None, *, explain: bool, as_json: bool, options: Options = Options()  # noqa: B008  # a constant
) -> Merged:  # fmt: skip
    """Merge the MachineConfigs of files for a pool. Raises ProvisionError where none are for it.

    `as_json` gives the object as JSON; with `explain` as well it is `{"object": …, "pool": …, "order": […], "contests":
    […]}`, where an order has `name`, `role` and `file`, and a contest `what`, `winner` and `over`.
    """
    inputs = gathered(paths, options)
    files = [STDIN_NAME if path == STDIN else path for path in paths]
    if any(found.severity == "error" for found in inputs.diagnostics):
        return Merged(None, inputs.diagnostics, inputs.sources, files)
    name = pool or only_pool(inputs)
    members = selected(inputs, name)
    rendered = render(members, name)
    text = HEADER + to_yaml(rendered).removeprefix(MACHINECONFIG_HEADER.encode())
    whole = checked(rendered, text)
    diagnostics = sorted(set(inputs.diagnostics + whole), key=Diagnostic.sort_key)
    sources = {**inputs.sources, **({rendered["metadata"]["name"]: text.decode()} if whole else {})}
    if any(found.severity == "error" for found in whole):
        return Merged(None, diagnostics, sources, files)
    reasons = contests(members) if explain else []
    if as_json:
        data = to_json({"object": rendered, **as_plain(name, members, reasons)} if explain else rendered, pretty=True)
        return Merged(data, diagnostics, sources, files)
    return Merged(text, diagnostics, sources, files, explanation(name, members, reasons) if explain else "")


# ---- what there is ----------------------------------------------------------------------------------------------


def gathered(paths: Sequence[str], options: Options) -> Inputs:
    """All objects of the files, with what was found wrong."""
    inputs = Inputs([], {}, [], {})
    for path in paths:
        file = STDIN_NAME if path == STDIN else path
        for one in objects_of(read_input(path), file, options):
            inputs.diagnostics.extend(one.diagnostics)
            inputs.sources.update(one.sources)
            take(one, file, inputs)
    return inputs


def objects_of(data: bytes, file: str, options: Options) -> list[Compiled]:
    """The objects of a file; a Butane config for OpenShift is the MachineConfig that it becomes."""
    found = compile_all(data, file, options)
    butane = [one for one in found if one.release and one.release.dialect == "openshift" and not one.failed]
    if not butane:
        return found
    made = [made for one in butane for made in compile_all(one.output(), f"{file} as a MachineConfig", options)]
    return [each if each.failed else one._replace(root=each.root) for one, each in zip(butane, made, strict=True)]


def take(one: Compiled, file: str, inputs: Inputs) -> None:
    """Add an object to what there is."""
    if one.failed or one.root is None or one.author is None:
        return
    if isinstance(one.root, MachineConfigPool):
        inputs.pools[one.root.metadata.name] = one.root.spec.machine_config_selector
    elif isinstance(one.root, MachineConfig):
        config: Config | None = ignition_of(one.root.spec, one.author) if one.root.spec.config else None
        inputs.members.append(Member(one.root, config, file))
    else:
        raise ProvisionError(
            f"{file}: this is no MachineConfig; `provision convert --variant openshift` makes Butane for one of it",
            exit_code=2,
        )


def only_pool(inputs: Inputs) -> str:
    """The pool that is meant where none is named."""
    roles = sorted({role_of(member.config) for member in inputs.members} - {""})
    own = [role for role in roles if role != "worker"]
    names = sorted(inputs.pools) or own[:1] * (len(own) == 1 and own != ["master"]) or roles
    if len(names) == 1:
        return names[0]
    known = f": {', '.join(names)}" if names else ""
    raise ProvisionError(f"which pool? name one with --pool{known}", exit_code=2)


def selected(inputs: Inputs, pool: str) -> list[Member]:
    """The configs of a pool, in their order. A pool that no file speaks of is more likely a slip."""
    found = sorted({role_of(each.config) for each in inputs.members} - {""})
    roles = ", ".join(found) or "none"
    if pool not in (*BUILT_IN_POOLS, *found, *inputs.pools):
        raise ProvisionError(
            f"no file has a MachineConfig for {shown(pool)}, or the pool itself; roles of the files: {roles}",
            exit_code=2,
        )
    selector = inputs.pools.get(pool) or selector_of(pool)
    chosen = ordered(each for each in inputs.members if selects(selector, each.config.metadata.labels or {}))
    chosen = [each for each in chosen if each.config.metadata.labels and not each.name.startswith("rendered-")]
    if not chosen:
        raise ProvisionError(f"no MachineConfig is for the pool {pool}; roles of the files: {roles}", exit_code=2)
    seen: dict[str, Member] = {}
    for member in chosen:
        other = seen.setdefault(member.name, member)
        if other is not member:
            raise ProvisionError(f"{member.file}: {member.name} is also in {other.file}; a cluster has one object of a name", exit_code=2)  # fmt: skip
    return chosen


def checked(rendered: dict[str, Any], text: bytes) -> list[Diagnostic]:
    """What is wrong with the result, in its own text."""
    name = rendered["metadata"]["name"]
    (compiled,) = compile_all(text, name)
    found = [each for each in compiled.diagnostics if each.severity == "error" or each.code in OF_THE_WHOLE]
    return found + [
        compiled.document.diagnostic(None, "PV764", each.severity or "error", each.message, each.hint)
        for each in size_findings(rendered)
        if not any(one.code == "PV764" for one in found)
    ]


# ---- why it is so -----------------------------------------------------------------------------------------------


def as_plain(pool: str, members: Sequence[Member], reasons: Sequence[Contest]) -> dict[str, object]:
    """The explanation as JSON."""
    order = [{"name": each.name, "role": role_of(each.config), "file": each.file} for each in members]
    return {"pool": pool, "order": order, "contests": [each._asdict() for each in reasons]}


def explanation(pool: str, members: Sequence[Member], reasons: Sequence[Contest]) -> str:
    """The explanation for people: the order, then who won what."""
    lines = [f"pool {shown(pool)}: {counted(len(members), 'config')}, later ones win"]
    lines += [f"  {line}" for line in aligned([(each.name, role_of(each.config), each.file) for each in members])]
    for what, winner, over in reasons:
        lines.append(f"{shown(what)}: {winner} wins over {', '.join(over)}")
    return "\n".join(lines if reasons else [*lines, "no two of them set the same file, unit or drop-in"])
