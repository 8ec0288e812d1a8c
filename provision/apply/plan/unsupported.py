"""What a config may ask for and the applier cannot do yet: refused before anything is written."""

from collections.abc import Iterator
from typing import NamedTuple

from provision.apply.plan.draft import Draft
from provision.contents import is_remote, scheme_of
from provision.ignition import Config, Resource


class Section(NamedTuple):
    """A part of a config, by the name that `--skip` takes and by the key that people know."""

    name: str
    key: str
    entries: int
    is_built: bool = False


def sections(config: Config) -> tuple[Section, ...]:
    """The sections that can be left out, with the number of their entries."""
    storage, passwd, arguments = config.storage, config.passwd, config.kernel_arguments
    return (
        Section("passwd", "passwd", len(passwd.groups) + len(passwd.users), is_built=True),
        Section("kernel_arguments", "kernelArguments", len(arguments.should_exist) + len(arguments.should_not_exist)),
        Section("disks", "storage.disks", len(storage.disks)),
        Section("raid", "storage.raid", len(storage.raid)),
        Section("luks", "storage.luks", len(storage.luks)),
        Section("filesystems", "storage.filesystems", len(storage.filesystems)),
    )


SKIPPABLE = tuple(section.name for section in sections(Config()))


def refuse_unsupported(config: Config, draft: Draft, skip: frozenset[str]) -> None:
    """Refuse what is not built yet and not skipped, and every remote reference; say what is left out."""
    for section in sections(config):
        if section.entries and section.name in skip:
            draft.note(f"{section.key}: left out, as --skip {section.name} says")
        elif section.entries and not section.is_built:
            draft.refuse(f"{section.key}: not supported by `apply --root`; leave out with --skip {section.name}")
    for key, resource in references(config):
        if is_remote(resource):
            draft.refuse(f"{key}: a remote source ({scheme_of(resource)}) is not supported by `apply --root`")


def references(config: Config) -> Iterator[tuple[str, Resource]]:
    """The resources of a rendered config that something other than a planner fetches, with their keys."""
    ignition = config.ignition
    yield "ignition.config.replace", ignition.config.replace
    yield from (("ignition.config.merge", resource) for resource in ignition.config.merge)
    for resource in ignition.security.tls.certificate_authorities:
        yield "ignition.security.tls.certificateAuthorities", resource
