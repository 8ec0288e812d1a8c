"""All MachineConfigs of a pool as the one that its machines get.

Pure: takes records in any order, gives the object. The name's digest is our own: the first 32 hex digits of the SHA-256
of the spec as JSON with sorted keys. The operator's hash hangs on its YAML writer, and is never claimed.
Source: machine-config-operator 4.20, `MergeMachineConfigs` in `pkg/controller/common/helpers.go`.
"""

import json
from collections.abc import Iterable, Sequence
from functools import reduce
from hashlib import sha256
from itertools import chain
from typing import Any, NamedTuple

from provision import __version__
from provision.ignition import Config, File, full_version
from provision.record import Spec, encode, merge
from provision.schema.machineconfig import API_VERSION, GENERATED_BY, GROUP, MachineConfig
from provision.transpile.machineconfig.objects import is_generated
from provision.transpile.machineconfig.order import claims_of, sort_key
from provision.versions import newest

OPERATORS_SPEC: Spec = newest("machineconfig").spec
OVERRIDDEN = f"{GROUP}/os-image-url-overridden"
RENDERED_BY = f"provision {__version__}"


class Member(NamedTuple):
    """A MachineConfig that takes part, its Ignition config as Ignition 3, and the file that it comes from."""

    config: MachineConfig
    ignition: Config | None
    file: str

    @property
    def name(self) -> str:
        return self.config.metadata.name


class Contest(NamedTuple):
    """What several configs set: who wins, and over whom, the latest first."""

    what: str
    winner: str
    over: tuple[str, ...]


def ordered(members: Iterable[Member]) -> list[Member]:
    """The members in the order in which they are merged."""
    return sorted(members, key=lambda member: sort_key(member.config))


def render(members: Sequence[Member], pool: str) -> dict[str, Any]:
    """The rendered MachineConfig of members that stand in their order."""
    specs = [member.config.spec for member in members]
    image = last_image(members, "os_image_url")
    spec: dict[str, Any] = {
        "config": encode(merged([member.ignition for member in members if member.ignition]), OPERATORS_SPEC),
        "extensions": list(chain.from_iterable(spec.extensions for spec in specs)),
        "fips": any(spec.fips for spec in specs),
        "kernelArguments": list(chain.from_iterable(spec.kernel_arguments for spec in specs)),
        "kernelType": kernel_type(members),
    }
    images = {"osImageURL": image, "baseOSExtensionsContainerImage": last_image(members, "base_os_extensions_container_image")}  # fmt: skip
    spec.update({key: value for key, value in images.items() if value})
    return {
        "apiVersion": API_VERSION,
        "kind": "MachineConfig",
        "metadata": {
            "name": f"rendered-{pool}-{digest(spec)}",
            "annotations": {GENERATED_BY: RENDERED_BY, **({OVERRIDDEN: "true"} if image else {})},
            "ownerReferences": [{"apiVersion": API_VERSION, "kind": "MachineConfigPool", "name": pool}],
        },
        "spec": spec,
    }


def merged(configs: Sequence[Config]) -> Config:
    """The Ignition configs as one, each laid over those before; in the version that the operator keeps."""
    config = reduce(lambda parent, child: merge(parent, packed_apart(child)), configs, Config())
    ignition = config.ignition.changed(version=full_version(OPERATORS_SPEC))
    files = tuple(overwriting(file) for file in config.storage.files)
    return config.changed(ignition=ignition, storage=config.storage.changed(files=files))


def packed_apart(child: Config) -> Config:
    """The config with `compression` said for each content, so that none takes over that of the content below it."""

    def apart(file: File) -> File:
        if file.contents.source is None or file.contents.compression is not None:
            return file
        return file.changed(contents=file.contents.changed(compression=""))

    return child.changed(storage=child.storage.changed(files=tuple(map(apart, child.storage.files))))


def overwriting(file: File) -> File:
    """The file as the operator keeps it: it overwrites, and says nothing of a compression that is none."""
    contents = file.contents if file.contents.compression else file.contents.changed(compression=None)
    return file.changed(contents=contents, overwrite=True if file.overwrite is None else file.overwrite)


def kernel_type(members: Sequence[Member]) -> str:
    """The last kernel type that is none of default's; a later `default` does not take it back."""
    chosen = [member.config.spec.kernel_type for member in members]
    return next((each for each in reversed(chosen) if each not in (None, "", "default")), None) or "default"


def last_image(members: Sequence[Member], field: str) -> str:
    """The last image that a person chose; empty where the cluster's own is meant."""
    chosen = (getattr(member.config.spec, field) for member in reversed(members) if not is_generated(member.config))
    return next((image for image in chosen if image), "")


def digest(spec: dict[str, Any]) -> str:
    """32 hex digits that stand for a spec, whatever the order of its keys."""
    text = json.dumps(spec, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()[:32]


def contests(members: Sequence[Member]) -> list[Contest]:
    """What more than one of the members sets, in the order in which it is first set."""
    claims: dict[str, list[str]] = {}
    for member in members:
        claimed = dict.fromkeys(what for what, _ in claims_of(member.ignition))
        for what in (*claimed, *(what for what, value in single_fields(member) if value)):
            claims.setdefault(what, []).append(member.name)
    return [Contest(what, names[-1], tuple(names[-2::-1])) for what, names in claims.items() if len(names) > 1]


def single_fields(member: Member) -> list[tuple[str, object]]:
    """The fields of which only one config's value counts, and the member's."""
    spec = member.config.spec
    chosen = None if spec.kernel_type in (None, "", "default") else spec.kernel_type
    images = (
        (None, None) if is_generated(member.config) else (spec.os_image_url, spec.base_os_extensions_container_image)
    )
    return [("kernelType", chosen), ("osImageURL", images[0]), ("baseOSExtensionsContainerImage", images[1])]
