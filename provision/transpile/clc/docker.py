"""`docker`: the drop-in that gives the daemon its flags.

Source: ct 0.9, `config/types/docker.go`. Only Container Linux's own docker.service reads DOCKER_OPTS.
"""

from provision.schema import ignition2
from provision.schema.clc import Docker
from provision.transpile.author import Author
from provision.transpile.clc.services import started, warn_of_specifiers


def unit(docker: Docker, author: Author) -> ignition2.Unit:
    """The unit with its drop-in. Quotes and backslashes are escaped, which ct left out: systemd dropped the line."""
    for item, flag in enumerate(docker.flags):
        warn_of_specifiers(docker, "flags", flag, author, item)
    options = " ".join(docker.flags).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    text = f'[Service]\nEnvironment="DOCKER_OPTS={options}"'
    place = author.place(docker, "flags")
    made = ignition2.Dropin(name="20-clct-docker.conf", contents=text).at(docker.origin, DOCKER_OPTS=place)
    return started(docker, "docker.service", made, author)
