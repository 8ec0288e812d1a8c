"""Putting in the configs that a config refers to. Source: Ignition, `internal/exec/util/config_fetcher.go`.

Each is fetched by the settings (timeouts, proxies, certificate authorities) of the configs before it.
"""

from collections.abc import Callable

from provision.apply.reading import Reading, read_config, violations_of
from provision.apply.sources import shown_url
from provision.contents import content_of, is_remote
from provision.diagnostics import ProvisionError
from provision.ignition import NEWEST, Config, ConfigReferences, Resource
from provision.record import merge
from provision.typed import NamedTuple, Protocol

# Nobody nests deeper on purpose; each level is fetched over the network.
MAX_DEPTH = 16
# The author's package, where it is installed: nothing of it is part of the applier.
AUTHORS = "provision.fetched"
# What looks like JSON; everything else can only be a document for authors.
JSON_STARTS = (b"{", b"")


class Reads(Protocol):
    """Where configs come from: a Fetcher, or data URLs alone."""

    def read(self, resource: Resource) -> bytes:
        """The verified bytes of a resource."""

    def for_config(self, config: Config) -> "Reads":
        """The same by the settings of a config."""


class LocalReads:
    """Reads what data URLs hold. Without a network, and for those who only plan."""

    def read(self, resource: Resource) -> bytes:
        """The bytes of a data URL; ProvisionError for anything else."""
        if is_remote(resource):
            raise ProvisionError(f"{shown_url(resource.source or '')} has to be fetched, and this run is offline")
        return content_of(resource)

    def for_config(self, config: Config) -> "LocalReads":
        """Settings change nothing here."""
        return self


class Rendering(NamedTuple):
    """How to render: where configs come from, who is told of each, and the sources that led here."""

    reads: Reads
    note: Callable[[Resource], None] = lambda resource: None
    chain: tuple[str, ...] = ()

    def below(self, source: str, settings: Config) -> "Rendering":
        """One level deeper, by the settings of a config."""
        return self.by(settings)._replace(chain=(*self.chain, source))

    def by(self, settings: Config) -> "Rendering":
        """The same by the settings of a config."""
        return self._replace(reads=self.reads.for_config(settings))


def render(config: Config, rendering: Rendering | None = None) -> Config:
    """The config with all that `ignition.config` refers to; ProvisionError for what cannot be had or is wrong there."""
    rendered = render_references(config, rendering or Rendering(LocalReads()))
    if rendered is not config:
        check_merged(rendered)
    return rendered


def render_references(config: Config, rendering: Rendering) -> Config:
    """The same without the check of the whole."""
    references = config.ignition.config
    if references.replace.source:
        replacement = referenced(references.replace, "ignition.config.replace", rendering)
        return render_references(replacement, rendering.below(references.replace.source, replacement))
    if not references.merge:
        return config
    current = without_references(config)
    for i, resource in enumerate(references.merge):
        child = referenced(resource, f"ignition.config.merge[{i}]", rendering)
        below = rendering.below(resource.source or "", merge(current, without_references(child)))
        current = merge(current, without_references(render_references(child, below)))
        rendering = rendering.by(current)
    return current


def without_references(config: Config) -> Config:
    """The config itself, once what it refers to is put in elsewhere."""
    return config.changed(ignition=config.ignition.changed(config=ConfigReferences()))


def referenced(resource: Resource, key: str, rendering: Rendering) -> Config:
    """The config that a resource holds, in the newest spec. An empty one is an error: it would void its parent."""
    source = resource.source or ""
    if source in rendering.chain:
        raise ProvisionError(f"{key}: {shown_url(source)} refers to itself, by way of other configs", exit_code=1)
    if len(rendering.chain) >= MAX_DEPTH:
        raise ProvisionError(f"{key}: more than {MAX_DEPTH} configs refer to each other", exit_code=1)
    try:
        reading = read_any(rendering.reads.read(resource))
    except ProvisionError as error:
        raise error.under(key) from None
    if not reading.is_sound:
        place = f" ({shown_url(source)})" if is_remote(resource) else ""
        raise refusal(f"{key}{place} is not a valid config", reading.remarks)
    rendering.note(resource)
    return reading.config


def read_any(data: bytes) -> Reading:
    """Read a fetched config: Ignition JSON, or where the author's package is there a document for it, such as Butane."""
    if data.lstrip()[:1] in JSON_STARTS:
        return read_config(data)
    from importlib import import_module

    try:
        transpile: Callable[[bytes], bytes] = import_module(AUTHORS).transpile
    except ImportError:
        # JSON is due then, and the complaint about its first line is the true one only where it was meant to be JSON.
        if not looks_like_yaml(data):
            return read_config(data)
        raise ProvisionError(
            "the config is YAML, not Ignition JSON, and this machine has only the applier: transpile it before it is"
            " served (`provision transpile`)",
            exit_code=1,
        ) from None
    return read_config(transpile(data))


def looks_like_yaml(data: bytes) -> bool:
    """Whether a text begins as documents for authors do: with a key, a comment or a document's start."""
    first = next((line for line in data[:4096].splitlines() if line.strip()), b"")
    return first.startswith((b"#", b"---", b"variant:", b"version:")) or first.rstrip().endswith(b":")


def check_merged(config: Config) -> None:
    """Run the rules over a merged config: two sound halves can make a whole that is not."""
    errors = [violation for violation in violations_of(config, NEWEST) if violation.severity == "error"]
    if errors:
        raise refusal("merging resulted in an invalid config", [violation.finding.message for violation in errors])


def refusal(what: str, reasons: object) -> ProvisionError:
    """What is wrong with referenced configs; their author has to mend it."""
    lines = [f"  {reason}" for reason in reasons] if isinstance(reasons, (list, tuple)) else []
    return ProvisionError("\n".join([f"{what}:", *lines]), exit_code=1)
