"""The MachineConfigs and pools of one file, checked against each other."""

from collections.abc import Sequence
from itertools import pairwise

from provision.diagnostics import declare
from provision.record import Record
from provision.schema.machineconfig import MachineConfig, MachineConfigPool
from provision.transpile.author import Author
from provision.transpile.machineconfig.objects import BUILT_IN_POOLS, role_of
from provision.transpile.machineconfig.order import claims_of, sort_key
from provision.transpile.machineconfig.pools import selects

declare(
    "PV778", "warning", "config without a pool",
    """Where a file has pools, one of them selects each of its MachineConfigs.

    A config that no pool selects is on no machine. Source: OpenShift 4.20, "Machine config pools".

    Bad:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfigPool
        metadata:
          name: infra
        spec:
          machineConfigSelector:
            matchExpressions:
              - {key: machineconfiguration.openshift.io/role, operator: In, values: [worker, infra]}
          nodeSelector:
            matchLabels: {node-role.kubernetes.io/infra: ""}
        ---
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-infra-swap
          labels:
            machineconfiguration.openshift.io/role: intra
        spec:
          kernelArguments: [swapaccount=1]

    Good:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfigPool
        metadata:
          name: infra
        spec:
          machineConfigSelector:
            matchExpressions:
              - {key: machineconfiguration.openshift.io/role, operator: In, values: [worker, infra]}
          nodeSelector:
            matchLabels: {node-role.kubernetes.io/infra: ""}
        ---
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-infra-swap
          labels:
            machineconfiguration.openshift.io/role: infra
        spec:
          kernelArguments: [swapaccount=1]
    """,
)  # fmt: skip
declare(
    "PV779", "info", "overridden",
    """Of two MachineConfigs of one role that set the same file, unit or drop-in, the one with the later name wins.

    `provision merge --machineconfig --explain` shows who wins what. Source: OpenShift 4.20, "Machine config overview".
    """,
)  # fmt: skip


def check_together(found: Sequence[tuple[Record, Author]]) -> None:
    """Note what is wrong between the objects of a file."""
    pools = [root for root, _ in found if isinstance(root, MachineConfigPool)]
    configs = [(root, author) for root, author in found if isinstance(root, MachineConfig)]
    if pools:
        for config, author in configs:
            check_selected(config, author, pools)
    by_role: dict[str, list[tuple[MachineConfig, Author]]] = {}
    for config, author in configs:
        by_role.setdefault(role_of(config), []).append((config, author))
    for role, mine in by_role.items():
        if role:
            check_overrides(mine)


def check_selected(config: MachineConfig, author: Author, pools: list[MachineConfigPool]) -> None:
    """Note a config that no pool of the file selects; the pools that are built in are there in any case."""
    if role_of(config) in ("", *BUILT_IN_POOLS):
        return
    labels = config.metadata.labels or {}
    selectors = [pool.spec.machine_config_selector for pool in pools]
    if not any(selector and selects(selector, labels) for selector in selectors):
        names = ", ".join(pool.metadata.name for pool in pools)
        said = f"no pool of this file ({names}) selects {config.metadata.name}"
        author.complain("PV778", "warning", config.metadata, "labels", said, "compare its labels with machineConfigSelector")  # fmt: skip


def check_overrides(configs: list[tuple[MachineConfig, Author]]) -> None:
    """Note what one config sets and a later one sets again."""
    claims: dict[str, list[tuple[MachineConfig, Record, Author]]] = {}
    for config, author in sorted(configs, key=lambda pair: sort_key(pair[0])):
        for what, record in dict(claims_of(config.spec.config)).items():
            claims.setdefault(what, []).append((config, record, author))
    for what, mine in claims.items():
        for (config, record, author), (winner, _, _) in pairwise(mine):
            name = winner.metadata.name
            said = f"{name} sets {what}, too, and wins over {config.metadata.name}"
            author.complain("PV779", "info", record, None, said)
