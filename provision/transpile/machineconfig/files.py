"""What the files of a MachineConfig should not be, although the operator takes them.

Source: OpenShift 4.20, "Machine configuration"; Red Hat Enterprise Linux CoreOS, layout of its file system.
"""

import re
from binascii import a2b_base64
from collections.abc import Iterator

from provision.schema.machineconfig import MachineConfig, MachineConfigSpec
from provision.schema.rules import Finding, rule
from provision.schema.rules.urls import data_head
from provision.transpile.machineconfig.objects import files_of, is_generated


@rule("PV766", "warning", on=MachineConfigSpec)
def content_is_encoded_once(spec: MachineConfigSpec) -> Iterator[Finding]:
    """The content of a file is encoded once.

    What is base64 once more after decoding lands in the file as base64. Source: RFC 2397.

    Bad:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-motd
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          config:
            ignition:
              version: 3.2.0
            storage:
              files:
                - path: /etc/motd
                  mode: 0644
                  contents:
                    source: data:;base64,YUdWc2JHOGdkMjl5YkdRS2FHVnNiRzhnZDI5eWJHUUs=

    Good:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-motd
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          config:
            ignition:
              version: 3.2.0
            storage:
              files:
                - path: /etc/motd
                  mode: 0644
                  contents:
                    source: data:;base64,aGVsbG8gd29ybGQKaGVsbG8gd29ybGQK
    """
    for file in files_of(spec):
        if twice_encoded(file.contents.source or ""):
            yield Finding(
                "source", f"the content of {file.path} is base64 once more when it is decoded",
                "encode it once only", on=file.contents,
            )  # fmt: skip


BASE64_TEXT = re.compile(rb"(?:[A-Za-z0-9+/]{4}){6,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\s*")


def twice_encoded(source: str) -> bool:
    """Whether a data URL holds base64 of base64 of text."""
    head = data_head(source) if source.startswith("data:") else None
    if head is None or not head.is_base64:
        return False
    try:
        once = a2b_base64(source[len(head.text) :], strict_mode=True)
        text = a2b_base64(once).decode() if BASE64_TEXT.fullmatch(once.replace(b"\n", b"")) else ""
    except ValueError:
        return False
    return bool(re.search(r"\s", text)) and all(char.isprintable() or char in "\n\t" for char in text)


@rule("PV767", "warning", on=MachineConfig)
def file_has_a_mode(config: MachineConfig) -> Iterator[Finding]:
    """A file of a MachineConfig has a mode.

    Without one it gets 0644, and a script can't be run. Source: OpenShift 4.20, "Machine configuration".

    Bad:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-motd
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          config:
            ignition:
              version: 3.2.0
            storage:
              files:
                - path: /etc/motd
                  contents:
                    source: data:,hello

    Good:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-motd
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          config:
            ignition:
              version: 3.2.0
            storage:
              files:
                - path: /etc/motd
                  mode: 0644
                  contents:
                    source: data:,hello
    """
    for file in () if is_generated(config) else files_of(config.spec):
        if file.mode is None:
            yield Finding(None, f"{file.path} has no mode", "add `mode: 0644`, in JSON 420", on=file)


@rule("PV769", "warning", on=MachineConfigSpec)
def file_is_overwritten(spec: MachineConfigSpec) -> Iterator[Finding]:
    """`overwrite: false` does not keep a file as it is: the operator writes it all the same.

    Source: machine-config-operator 4.20, `writeFiles` in `pkg/daemon/file_writers.go`.

    Bad:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-motd
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          config:
            ignition:
              version: 3.2.0
            storage:
              files:
                - path: /etc/motd
                  mode: 0644
                  overwrite: false
                  contents:
                    source: data:,hello

    Good:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-motd
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          config:
            ignition:
              version: 3.2.0
            storage:
              files:
                - path: /etc/motd
                  mode: 0644
                  overwrite: true
                  contents:
                    source: data:,hello
    """
    for file in files_of(spec):
        if file.overwrite is False:
            yield Finding("overwrite", f"the operator overwrites {file.path} all the same", "take `overwrite: false` away", on=file)  # fmt: skip


# Directories of RHCOS that are not what they are elsewhere, and what to do. The first that a path is below counts.
ELSEWHERE = {
    "/usr/local": "",
    "/usr": "it can't be written there; use /usr/local or /etc",
    "/run": "it is gone after a reboot; use /etc, or systemd-tmpfiles",
    "/tmp": "it is gone after a reboot; use /etc or /var",
    "/opt": "/opt is a link to /var/opt; write /var/opt",
    "/home": "/home is a link to /var/home; write /var/home",
    "/root": "/root is a link to /var/roothome; write /var/roothome",
}


@rule("PV773", "warning", on=MachineConfigSpec)
def path_is_kept(spec: MachineConfigSpec) -> Iterator[Finding]:
    """A file lies where it is kept, under its real name.

    /usr belongs to the image and can't be written, /run and /tmp are emptied, and /opt, /home and /root are links.
    Source: Red Hat Enterprise Linux CoreOS; ostree, "Adapting existing mainstream distributions".

    Bad:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-tool
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          config:
            ignition:
              version: 3.2.0
            storage:
              files:
                - path: /usr/bin/tool
                  mode: 0755
                  contents:
                    source: data:,hello

    Good:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-tool
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          config:
            ignition:
              version: 3.2.0
            storage:
              files:
                - path: /usr/local/bin/tool
                  mode: 0755
                  contents:
                    source: data:,hello
    """
    for file in files_of(spec):
        hint = next((hint for top, hint in ELSEWHERE.items() if file.path.startswith(top + "/")), "")
        if hint:
            yield Finding("path", f"{file.path} is not kept there", hint, on=file)


# Files that the operator writes itself, and what may be written instead.
OPERATORS_FILES = {
    "/etc/kubernetes/kubelet.conf": "make a KubeletConfig",
    "/var/lib/kubelet/config.json": "change the cluster's pull secret",
    "/etc/crio/crio.conf": "write /etc/crio/crio.conf.d/50-own.conf, or make a ContainerRuntimeConfig",
    "/etc/crio/crio.conf.d/00-default": "write /etc/crio/crio.conf.d/50-own.conf, or make a ContainerRuntimeConfig",
    "/etc/containers/registries.conf": "make an ImageDigestMirrorSet, or change image.config.openshift.io/cluster",
    "/etc/containers/policy.json": "change image.config.openshift.io/cluster",
}


@rule("PV774", "warning", on=MachineConfig)
def file_is_not_the_operators(config: MachineConfig) -> Iterator[Finding]:
    """A file is not one that the operator writes itself.

    Which of the two is on the machine depends on their names, and changes with an update of the cluster.
    Source: machine-config-operator 4.20, `templates`.

    Bad:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-crio
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          config:
            ignition:
              version: 3.2.0
            storage:
              files:
                - path: /etc/crio/crio.conf
                  mode: 0644
                  contents:
                    source: data:,%5Bcrio.runtime%5D%0Apids_limit%20%3D%201500%0A

    Good:
        apiVersion: machineconfiguration.openshift.io/v1
        kind: MachineConfig
        metadata:
          name: 50-worker-crio
          labels:
            machineconfiguration.openshift.io/role: worker
        spec:
          config:
            ignition:
              version: 3.2.0
            storage:
              files:
                - path: /etc/crio/crio.conf.d/50-pids.conf
                  mode: 0644
                  contents:
                    source: data:,%5Bcrio.runtime%5D%0Apids_limit%20%3D%201500%0A
    """
    for file in () if is_generated(config) else files_of(config.spec):
        if file.path in OPERATORS_FILES:
            yield Finding("path", f"the operator writes {file.path} itself", OPERATORS_FILES[file.path], on=file)
