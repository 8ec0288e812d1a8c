"""docker, as far as its drop-ins open it to the network. Source: docker's manual, dockerd, "Daemon socket option"."""

import re
from collections.abc import Iterator

from provision.schema.machine.file_text import text_of
from provision.schema.machine.present import DOCKER_JSON
from provision.schema.machine.services import Docker, Host
from provision.schema.machine.texts import read
from provision.schema.rules import Finding, rule

OPEN_PORT = re.compile(r"(?:^|[^0-9])2375$")
TCP = re.compile(r"tcp://(?!127\.|localhost|\[::1\])[^ \"]{0,300}:2375\b")
ANY_REGISTRY = re.compile(
    r"--insecure-registry[= ]*\W{0,3}0\.0\.0\.0/0|\"insecure-registries\"\s*:\s*\[[^]]*\"0\.0\.0\.0/0\""
)
# What opens docker up: how it reads in options or in daemon.json, and what to say of it.
OPENINGS = (
    (ANY_REGISTRY, "docker takes images from every registry without proof", "name the registries that need it"),
    (TCP, "docker's API is on the network without TLS: root for everybody", "use TLS on 2376, or 127.0.0.1"),
)


@rule("PV551", "warning", on=Host)
def docker_is_not_open_to_all(host: Host) -> Iterator[Finding]:
    """docker's API without TLS is not on the network, and registries prove who they are.

    Who reaches port 2375 is root on the machine; `--insecure-registry=0.0.0.0/0` takes images from anybody. DOCKER_OPTS
    stands in one place, for a later line replaces an earlier one. Source: docker's manual, "Protect the Docker daemon socket".

    Bad:
      systemd:
        units:
          - name: docker-tcp.socket
            enabled: true
            contents: |
              [Unit]
              Description=docker on the network
              [Socket]
              ListenStream=2375
              Service=docker.service
              [Install]
              WantedBy=sockets.target

    Good:
      systemd:
        units:
          - name: docker-tcp.socket
            enabled: true
            contents: |
              [Unit]
              Description=docker on this machine
              [Socket]
              ListenStream=127.0.0.1:2375
              Service=docker.service
              [Install]
              WantedBy=sockets.target
    """
    yield from open_sockets(host)
    for docker in host.of_kind(Docker):
        setting, command = docker.get("DOCKER_OPTS"), docker.source.text.last("Service", "ExecStart")
        for _, message, hint in openings(setting.value if setting else ""):
            if setting:
                yield setting.found(message, hint)
        for _, message, hint in openings(command.value if command else ""):
            if command:
                on = docker.source.parts[command.source]
                yield Finding("contents", message, hint, on=on, line=command.line)
        given = sum(
            "DOCKER_OPTS=" in "".join(read(part).values("Service", "Environment")) for part in docker.source.parts
        )
        if given > 1 and setting:
            yield setting.found("DOCKER_OPTS is set in another drop-in as well, which this one replaces", "set it once")
    for file in host.config.storage.files:
        if file.path == DOCKER_JSON:
            text = text_of(file) or ""
            for at, message, hint in openings(text):
                yield Finding("source", message, hint, on=file.contents, line=text.count("\n", 0, at) + 1)


def openings(text: str) -> Iterator[tuple[int, str, str]]:
    """What opens docker up in some options, or in its file: where it ends, and what to say of it."""
    for pattern, message, hint in OPENINGS:
        found = pattern.search(text)
        if found and not (pattern is TCP and "tlsverify" in text):
            yield found.end(), message, hint


def open_sockets(host: Host) -> Iterator[Finding]:
    """Sockets of docker that listen on the network without TLS."""
    for unit in host.config.systemd.units:
        if not unit.name.endswith(".socket") or not unit.contents or "2375" not in unit.contents or unit.mask:
            continue
        text = read(unit)
        if text.value("Socket", "Service") not in (None, "docker.service") or "docker" not in unit.name + unit.contents:
            continue
        for option in text.effective("Socket", "ListenStream"):
            if OPEN_PORT.search(option.value) and not option.value.startswith(("127.", "[::1]", "localhost")):
                message = f"docker's API is on the network at {option.value} without TLS: root for everybody"
                yield Finding(
                    "contents", message, "listen on 127.0.0.1:2375, or with TLS on 2376", on=unit, line=option.line
                )
