"""Putting in the configs that a config refers to. Source: Ignition, `internal/exec/engine.go`.

Only data URLs can be read yet; remote references stay in the config, where planning refuses them.
"""

from provision.apply.reading import read_config
from provision.contents import content_of, is_remote
from provision.diagnostics import ProvisionError
from provision.ignition import NEWEST, Config, Resource
from provision.record import merge

# A config in a data URL is smaller than the one that holds it, unless gzip makes it larger.
MAX_DEPTH = 16


def render(config: Config, depth: int = 0) -> Config:
    """The config with all that its data URLs under `ignition.config` hold; ProvisionError for what is wrong there."""
    references = config.ignition.config
    if depth > MAX_DEPTH:
        raise ProvisionError(f"ignition.config: more than {MAX_DEPTH} configs refer to each other", exit_code=1)
    if references.replace.source:
        return config if is_remote(references.replace) else render(referenced(references.replace, "replace"), depth + 1)
    local = [(i, resource) for i, resource in enumerate(references.merge) if not is_remote(resource)]
    if not local:
        return config
    rendered = without(config, tuple(filter(is_remote, references.merge)))
    for i, resource in local:
        rendered = merge(rendered, render(referenced(resource, f"merge[{i}]"), depth + 1))
    check_merged(rendered)
    return rendered


def without(config: Config, remaining: tuple[Resource, ...]) -> Config:
    """The config with another list of configs to merge."""
    references = config.ignition.config.changed(merge=remaining)
    return config.changed(ignition=config.ignition.changed(config=references))


def referenced(resource: Resource, key: str) -> Config:
    """The config that a data URL holds, in the newest spec. An empty one is an error: it would void its parent."""
    try:
        reading = read_config(content_of(resource))
    except ProvisionError as error:
        raise ProvisionError(f"ignition.config.{key}: {error}") from None
    if not reading.is_sound:
        raise refusal(f"ignition.config.{key} is not a valid config", reading.remarks)
    return reading.config


def check_merged(config: Config) -> None:
    """Run the rules over a merged config: two sound halves can make a whole that is not."""
    from provision.schema.rules import check

    errors = [violation for violation in check(config, NEWEST) if violation.severity == "error"]
    if errors:
        raise refusal("merging resulted in an invalid config", [violation.finding.message for violation in errors])


def refusal(what: str, reasons: object) -> ProvisionError:
    """What is wrong with referenced configs; their author has to mend it."""
    lines = [f"  {reason}" for reason in reasons] if isinstance(reasons, (list, tuple)) else []
    return ProvisionError("\n".join([f"{what}:", *lines]), exit_code=1)
