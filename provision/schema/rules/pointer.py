"""Pointer configs: what a new machine of an OpenShift cluster starts with, only to fetch all the rest from the cluster.

Source: OpenShift 4.20, "User-provisioned infrastructure"; machine-config-operator, `docs/MachineConfigServer.md`.
"""

import re
from collections.abc import Iterator

from provision.ignition import ConfigReference, Ignition, Resource
from provision.schema.rules import Finding, rule
from provision.schema.rules.urls import data_head
from provision.typed import NamedTuple

PORT, INSECURE_PORT = 22623, 22624
DEFAULT_PORTS = {"http": 80, "https": 443}
URL = (
    r"(?i)(?P<scheme>https?)://(?:[^@/]*@)?(?P<host>\[[^\]/]*\]|[^:/?#]+)(?::(?P<port>[0-9]{1,5}))?"
    r"/config/(?P<pool>[a-z0-9][a-z0-9.-]*)(?:\?.*)?"
)
CERTIFICATE = b"-----BEGIN CERTIFICATE-----"


class Pointer(NamedTuple):
    """Where a pointer config points: the config server of a cluster, and the pool that the machine joins."""

    scheme: str
    host: str
    port: int | None
    pool: str


def pointer_of(reference: ConfigReference) -> Pointer | None:
    """What a reference to a config server says; None for any other reference."""
    found = re.fullmatch(URL, reference.source or "")
    if found is None:
        return None
    port = int(found["port"]) if found["port"] else None
    if port not in (PORT, INSECURE_PORT) and not found["host"].startswith("api-int."):
        return None
    return Pointer(found["scheme"].lower(), found["host"], port, found["pool"])


def pointers_in(ignition: Ignition) -> Iterator[tuple[ConfigReference, Pointer]]:
    """The references of a config that lead to a config server."""
    for reference in (*ignition.config.merge, ignition.config.replace):
        pointer = pointer_of(reference) if reference.source else None
        if pointer is not None:
            yield reference, pointer


@rule("PV770", "info", on=Ignition)
def pointer_is_explained(ignition: Ignition) -> Iterator[Finding]:
    """A pointer config has little in it: the machine gets all the rest from the cluster's config server.

    The server answers with the rendered config of the pool that the URL names. To change what is on the machine, make a
    MachineConfig for that pool. Source: machine-config-operator, `docs/MachineConfigServer.md`.

    Bad:
        {"ignition": {"version": "3.2.0",
          "config": {"merge": [{"source": "https://api-int.ocp.example.com:22623/config/worker"}]},
          "security": {"tls": {"certificateAuthorities": [{"source": "data:,-----BEGIN%20CERTIFICATE-----"}]}}}}

    Good:
        {"ignition": {"version": "3.2.0",
          "config": {"merge": [{"source": "https://example.com/config/worker"}]},
          "security": {"tls": {"certificateAuthorities": [{"source": "data:,-----BEGIN%20CERTIFICATE-----"}]}}}}
    """
    for reference, pointer in pointers_in(ignition):
        said = f"this is a pointer: the machine fetches the rendered config of the pool `{pointer.pool}` from {pointer.host}"
        yield Finding("source", said, "change it by a MachineConfig for that pool", on=reference)


@rule("PV771", "warning", on=Ignition)
def pointer_can_be_trusted(ignition: Ignition) -> Iterator[Finding]:
    """A pointer leads to port 22623 over https, and brings the certificate of the cluster's own authority.

    The config has the keys by which a machine joins the cluster. The server's certificate is signed by an authority that
    no system knows of itself. Source: machine-config-operator, `docs/MachineConfigServer.md`.

    Bad:
        {"ignition": {"version": "3.2.0",
          "security": {"tls": {"certificateAuthorities": [{"source": "data:,-----BEGIN%20CERTIFICATE-----"}]}},
          "config": {"merge": [
            {"source": "http://api-int.ocp.example.com:22623/config/worker"}  ]}}}

    Good:
        {"ignition": {"version": "3.2.0",
          "security": {"tls": {"certificateAuthorities": [{"source": "data:,-----BEGIN%20CERTIFICATE-----"}]}},
          "config": {"merge": [
            {"source": "https://api-int.ocp.example.com:22623/config/worker"}  ]}}}
    """
    pointers = list(pointers_in(ignition))
    authorities = ignition.security.tls.certificate_authorities
    for reference, pointer in pointers:
        if pointer.scheme != "https":
            yield Finding("source", "the pointer is not https: anyone on the way can read and change the config", "write https", on=reference)  # fmt: skip
        if pointer.port != PORT:
            yield Finding("source", f"the config server listens on port {PORT}, not {pointer.port or DEFAULT_PORTS[pointer.scheme]}", f"write :{PORT}", on=reference)  # fmt: skip
        if not authorities:
            yield Finding("source", "the pointer has no certificate of the cluster's authority, so the server is not trusted", "add it to security.tls.certificateAuthorities", on=reference)  # fmt: skip
    for authority in authorities if pointers else ():
        data = data_of(authority)
        if data is not None and CERTIFICATE not in data:
            yield Finding("source", "this is no certificate in PEM form", "give the cluster's root-ca", on=authority)


def data_of(authority: Resource) -> bytes | None:
    """The bytes in a data URL; None for any other URL, for compressed ones, and for one that can't be decoded."""
    from binascii import a2b_base64  # few configs are pointers

    source = authority.source or ""
    head = data_head(source)
    if head is None or authority.compression:
        return None
    try:
        data = source[len(head.text) :]
        return a2b_base64(data) if head.is_base64 else unescaped(data)
    except ValueError:
        return None


def unescaped(text: str) -> bytes:
    """Bytes in percent-encoding; what is none of it stays."""
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), text.encode("utf-8", "replace"))
