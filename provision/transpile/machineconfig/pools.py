"""MachineConfigPools: which MachineConfigs they select, and what is doubtful about their settings.

Source: Kubernetes, "Labels and Selectors"; machine-config-operator 4.20, `pkg/apihelpers` and `docs/custom-pools.md`.
"""

import re
from collections.abc import Iterator, Mapping

from ruamel.yaml.nodes import Node

from provision.document.nodes import text_of
from provision.schema.machineconfig import ROLE, LabelSelector, MachineConfigPool, Requirement
from provision.schema.rules import Finding, rule
from provision.transpile.machineconfig.objects import BUILT_IN_POOLS

OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


def holds(requirement: Requirement, labels: Mapping[str, str]) -> bool:
    """Whether labels meet one condition. NotIn holds for an object without the label, too."""
    there = requirement.key in labels
    if requirement.operator in ("Exists", "DoesNotExist"):
        return there == (requirement.operator == "Exists")
    among = there and labels[requirement.key] in requirement.values
    return among == (requirement.operator == "In")


def selects(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Whether a selector finds an object with these labels; one without conditions finds all."""
    return all(labels.get(key) == value for key, value in (selector.match_labels or {}).items()) and all(
        holds(requirement, labels) for requirement in selector.match_expressions
    )


def selector_of(role: str) -> LabelSelector:
    """The selector of a pool of which only the name is known: a pool that is not built in takes worker's configs, too."""
    if role in BUILT_IN_POOLS:
        return LabelSelector(match_labels={ROLE: role})
    return LabelSelector(match_expressions=(Requirement(key=ROLE, operator="In", values=("worker", role)),))


@rule("PV777", "warning", on=MachineConfigPool)
def pool_rolls_out(pool: MachineConfigPool) -> Iterator[Finding]:
    """A pool rolls its config out, and to one master at a time.

    While a pool is paused its machines get no new certificates, which run out. Masters hold etcd, which stands the
    loss of one member. Source: OpenShift 4.20, "Understanding the Machine Config Operator".

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
          paused: true
        ---
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-infra-swap
          labels:
            machineconfiguration.openshift.io/role: infra
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
          maxUnavailable: 10%
        ---
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-infra-swap
          labels:
            machineconfiguration.openshift.io/role: infra
        spec:
          kernelArguments: [swapaccount=1]
    """
    spec = pool.spec
    if spec.paused:
        yield Finding("paused", "a paused pool gets no new config and no new certificates", "set it to false soon", on=spec)  # fmt: skip
    if isinstance(spec.max_unavailable, Node):
        yield from at_a_time(pool, text_of(spec.max_unavailable) or "")
    for selector in (spec.machine_config_selector, spec.node_selector):
        for requirement in selector.match_expressions if selector else ():
            if not requirement.broken and requirement.operator not in OPERATORS:
                said = f"`{requirement.operator}` is no operator of a selector"
                yield Finding("operator", said, f"use {', '.join(OPERATORS)}", on=requirement, severity="error")


def at_a_time(pool: MachineConfigPool, written: str) -> Iterator[Finding]:
    """What is to be said of `maxUnavailable`."""
    if not re.fullmatch(r"\d+%?", written):
        said = "maxUnavailable is a number or a percentage"
        yield Finding("max_unavailable", said, "for example 1, or 10%", on=pool.spec, severity="error")
    elif pool.metadata.name == "master" and written not in ("0", "1"):
        yield Finding("max_unavailable", f"{written} masters at a time may cost etcd its majority", "leave it at 1", on=pool.spec)  # fmt: skip
