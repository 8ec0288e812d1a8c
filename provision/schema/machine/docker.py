"""docker, as far as its drop-ins open it to the network. Source: docker's manual, dockerd, "Daemon socket option"."""

import re
from collections.abc import Iterator

from provision.schema.machine.services import Docker, Host
from provision.schema.rules import Finding, rule
from provision.units import parse

OPTIONS = ("DOCKER_OPTS", "DOCKER_OPT_EXTRA")
OPEN_PORT = re.compile(r"(?:^|[^0-9])2375$")
TCP = re.compile(r"(?:-H|--host)[= ]?\"?tcp://(?!127\.|localhost)[^ \"]*:2375\b")
ANY_REGISTRY = re.compile(r"--insecure-registry[= ]*\W{0,3}0\.0\.0\.0/0")


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
        setting = docker.get("DOCKER_OPTS")
        if setting and ANY_REGISTRY.search(setting.value):
            yield setting.found(
                "docker takes images from every registry without proof", "name the registries that need it"
            )
        if setting and TCP.search(setting.value):
            yield setting.found(
                "docker's API is on the network without TLS: root for everybody", "use TLS on 2376, or 127.0.0.1"
            )
        given = [
            part
            for part in docker.source.parts
            if re.search(r"^Environment=.*\bDOCKER_OPTS=", part.contents or "", re.M)
        ]
        if len(given) > 1 and setting:
            yield setting.found("DOCKER_OPTS is set in another drop-in as well, which this one replaces", "set it once")


def open_sockets(host: Host) -> Iterator[Finding]:
    """Sockets of docker that listen on the network without TLS."""
    for unit in host.config.systemd.units:
        if not unit.name.endswith(".socket") or not unit.contents or "2375" not in unit.contents or unit.mask:
            continue
        text = parse(unit.contents)
        if text.value("Socket", "Service") not in (None, "docker.service") or "docker" not in unit.name + unit.contents:
            continue
        for option in text.effective("Socket", "ListenStream"):
            if OPEN_PORT.search(option.value) and not option.value.startswith(("127.", "[::1]", "localhost")):
                message = f"docker's API is on the network at {option.value} without TLS: root for everybody"
                yield Finding(
                    "contents", message, "listen on 127.0.0.1:2375, or with TLS on 2376", on=unit, line=option.line
                )
