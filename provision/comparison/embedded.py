"""Configs inside a config: those that a data URL holds are put in, as the machine does; others stay references."""

from provision.apply.references import LocalReads, Rendering, referenced, without_references
from provision.contents import is_remote
from provision.diagnostics import ProvisionError
from provision.ignition import Config, ConfigReference, ConfigReferences
from provision.record import merge

LOCAL = Rendering(LocalReads())


def resolved(config: Config, rendering: Rendering = LOCAL) -> Config:
    """The config with all configs that it holds itself; one that is wrong stays a reference."""
    references = config.ignition.config
    if references.replace.source and not is_remote(references.replace):
        inner = embedded(references.replace, rendering)
        return config if inner is None else inner
    current, left = without_references(config), []
    for reference in references.merge:
        inner = None if is_remote(reference) else embedded(reference, rendering)
        if inner is None:
            left.append(reference)
            continue
        left += inner.ignition.config.merge
        current = merge(current, without_references(inner))
    kept = ConfigReferences(merge=tuple(left), replace=references.replace)
    return current.changed(ignition=current.ignition.changed(config=kept))


def embedded(reference: ConfigReference, rendering: Rendering) -> Config | None:
    """The config that a data URL holds, with those in it; None where there is none, or a wrong one."""
    try:
        inner = referenced(reference, "ignition.config", rendering)
    except ProvisionError:
        return None
    return resolved(inner, rendering.below(reference.source or "", inner))
