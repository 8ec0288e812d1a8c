"""Fetching when it is first needed: most configs hold all that they need, and the network's modules are large."""

import threading
from collections.abc import Callable

from provision.apply.sources import shown_url
from provision.contents import MAX_UNPACKED_BYTES, content_of, is_remote
from provision.ignition import Config, Resource
from provision.typed import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from provision.apply.fetch import Fetcher

# What people wait for a server that does not answer before they look for its name.
PATIENCE_S = 60.0


def new_fetcher() -> "Fetcher":
    """A fetcher with the usual settings."""
    from provision.apply.fetch import Fetcher

    return Fetcher()


class Fetching:
    """A fetcher with the settings of a config, made when it is first asked for something remote.

    `patience_s` ends a fetch that the config lets go on forever: a machine that boots has nothing else to do, a person has.
    """

    def __init__(
        self, config: Config, start: "Callable[[], Fetcher]" = new_fetcher, *, patience_s: float | None = None
    ) -> None:
        self.config, self.start, self.patience_s = config, start, patience_s
        self.made: Fetcher | None = None
        # Told of every piece that comes in: the name, the bytes so far, the bytes in all.
        self.tell: Callable[[str, int, int | None], None] | None = None
        self.lock = threading.Lock()

    @property
    def fetcher(self) -> "Fetcher":
        """The fetcher itself."""
        with self.lock:
            if self.made is None:
                made = self.start().for_config(self.config)
                if self.patience_s and not made.settings.total_s:
                    made = made.with_settings(made.settings._replace(total_s=self.patience_s))
                self.made = made
            return self.made

    def read(self, resource: Resource) -> bytes:
        """The unpacked and verified bytes of a small resource."""
        return self.fetcher.read(resource) if is_remote(resource) else content_of(resource, MAX_UNPACKED_BYTES)

    def save(self, resource: Resource, file: BinaryIO, *, limit: int | None = None) -> None:
        """Write the unpacked and verified bytes of a resource where an open file stands."""
        name = shown_url(resource.source or "")
        tell = self.tell
        try:
            self.fetcher.save(resource, file, limit, (lambda done, total: tell(name, done, total)) if tell else None)
        finally:
            if tell:
                tell(name, 0, 0)

    def for_config(self, config: Config) -> "Fetching":
        """The same by the settings of another config."""
        return Fetching(config, lambda: self.fetcher, patience_s=self.patience_s)
