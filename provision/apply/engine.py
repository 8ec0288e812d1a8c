"""One stage after another: getting the config, and handing it to the stage's work. Source: Ignition, `internal/exec/engine.go`.

The config of the machine's user is found and rendered once, by a fetch stage, and kept in a cache that the other stages
read. Fragments of the system (`base.d`) are read anew by each stage, and lie under it.
"""

from collections.abc import Mapping

from provision.apply import faults, kernel_command_line, log
from provision.apply.base_configs import base_config, user_config
from provision.apply.console import Console
from provision.apply.failure import Report, send_report
from provision.apply.fetch import Fetcher, NeedsNetwork, Settings
from provision.apply.fetching import Fetching
from provision.apply.journald import tell_config
from provision.apply.reading import Reading, read_config
from provision.apply.references import Rendering, check_merged, read_any, render, without_references
from provision.apply.sources import shown_url
from provision.apply.state import load_state, remove_file, write_cache, write_marker
from provision.apply.work import WORK
from provision.apply.workplace import Workplace
from provision.contents import data_url, is_remote_source
from provision.diagnostics import ProvisionError
from provision.ignition import ClevisCustom, Config, Resource, Tang
from provision.record import merge, walk
from provision.source_map import SourceMap
from provision.typed import NamedTuple

OFFLINE_STAGE = "fetch-offline"
FETCH_STAGES = (OFFLINE_STAGE, "fetch")
# Those that may have to fetch something; for the others nobody waits for the platform.
ASKING_STAGES = (*FETCH_STAGES, "disks", "files")


class Options(NamedTuple):
    """What a run is told. Paths are this process's; `root` is empty where the stages have none."""

    platform: str
    stages: tuple[str, ...]
    root: str
    config_cache: str
    state_file: str
    neednet: str
    fetch_timeout_s: float
    environ: Mapping[str, str]
    source_map: SourceMap


class Engine:
    """A run of stages on this machine."""

    def __init__(self, options: Options, console: Console) -> None:
        from provision.apply.providers import PROVIDERS, Host

        self.options, self.console = options, console
        self.provider = PROVIDERS[options.platform]
        self.state = load_state(options.state_file)
        self.provider_fetcher = Fetcher(Settings(total_s=options.fetch_timeout_s))
        self.host = Host(self.provider_fetcher, environ=options.environ)
        self.config = Config()
        self.needs_network = False

    def run(self, stage: str) -> None:
        """Run one stage; ProvisionError for what the machine or the config refuses. Saves the state where it succeeds."""
        self.needs_network = False
        faults.enter(stage)
        base = self.base()
        offline = stage == OFFLINE_STAGE
        self.provider_fetcher.offline = self.host.fetcher.offline = offline
        try:
            if stage in ASKING_STAGES:
                self.provider.init(self.host)
            user = self.fetch() if stage in FETCH_STAGES else self.cached()
        except NeedsNetwork as error:
            if not offline:
                raise
            self.signal_network(str(error))
            self.state.save(self.options.state_file)
            return
        self.config = merge(base, user)
        with log.prefixed(stage):
            if offline and (why := network_need(self.config)):
                self.signal_network(why)
            elif stage in WORK:
                WORK[stage](self.workplace())
            log.info(f"{stage} passed")
        self.state.save(self.options.state_file)

    def workplace(self) -> Workplace:
        """What a stage's work needs."""
        fetching = Fetching(self.config, self.equipped)
        fetching.tell = self.console.fetched
        return Workplace(
            self.config, self.options.root, fetching, self.state, progress=self.console.step, is_first_boot=True
        )

    def equipped(self) -> Fetcher:
        """The fetcher with what the platform gives it to open its own stores with."""
        self.provider_fetcher.credentials = self.provider.credentials(self.host)
        return self.provider_fetcher

    def base(self) -> Config:
        """The fragments that the system itself brings. What they refer to is not read."""
        base = base_config(self.options.environ, self.options.platform)
        if base is None:
            return Config()
        self.state.note_config("base", "system", referenced=False)
        return without_references(base)

    def fetch(self) -> Config:
        """Find, render and check the user's config, and write the cache."""
        name, data = self.find()
        if data is None or not data.strip():
            log.info(f"{name} has no config")
            config = Config()
        else:
            reading = tell_remarks(read_any(data))
            if not reading.is_sound:
                raise ProvisionError(f"the config from {name} is not valid; its errors stand above", exit_code=1)
            self.state.note_config("user", name, referenced=False)
            fetching = Fetching(reading.config, self.equipped)
            config = render(reading.config, Rendering(fetching, self.note_reference))
            config = with_local_authorities(config, fetching.for_config(config))
            check_merged(config)
        self.state.output_files = [
            {"path": file.path, "mode": file.mode, "contents": {"source": data_url(file.content)}}
            for file in self.provider.output_files(self.host)
        ]
        # Never both: units of the initramfs go by which of them is there.
        remove_file(self.options.neednet)
        write_cache(self.options.config_cache, config)
        for each in self.state.fetched:
            tell_config(each["kind"], each["source"], referenced=each["referenced"])
        return config

    def report(self, stage: str, failure: Report | None) -> None:
        """Tell the platform how a stage ended, and whoever the kernel command line names; a deaf ear stops nothing."""
        try:
            self.provider.report(self.host, stage, failure.cause if failure else None)
        except ProvisionError as error:
            log.notice(f"the platform was not told: {error}")
        try:
            text = kernel_command_line.read(self.options.environ)
        except ProvisionError as error:
            log.notice(f"whether to send a report is not known: {error}")
            return
        url = kernel_command_line.value(text, kernel_command_line.REPORT_URL)
        if url and (failure is not None or stage == "files"):
            send_report(url, failure)

    def note_reference(self, resource: Resource) -> None:
        """Remember that a config was read which another refers to."""
        source = resource.source or ""
        path = shown_url(source).partition("://")[2].partition("/")[2] if is_remote_source(source) else ""
        self.state.note_config("user", f"/{path}" if path else "", referenced=True)

    def find(self) -> tuple[str, bytes | None]:
        """The user's config and where it was: the kernel command line before the system's folders before the platform."""
        from provision.apply.providers import asked, from_kernel_command_line

        found = from_kernel_command_line(self.host)
        if found is not None:
            return "cmdline", found
        found = user_config(self.options.environ)
        if found is not None:
            return "system", found
        return self.options.platform, asked(self.provider, self.host)

    def cached(self) -> Config:
        """The user's config, as a fetch stage left it."""
        try:
            with open(self.options.config_cache, "rb") as file:
                data = file.read()
        except OSError as error:
            raise ProvisionError(
                f"the cached config {self.options.config_cache} cannot be read: {error.strerror}; run a fetch stage first"
            ) from None
        reading = read_config(data)
        if not reading.is_sound:
            raise ProvisionError(f"the cached config {self.options.config_cache} is damaged: {reading.remarks[0]}")
        return reading.config

    def signal_network(self, why: str) -> None:
        """Ask for the network. Without a cache the stage `fetch` then does all again."""
        self.needs_network = True
        log.info(f"the network is needed: {why}")
        remove_file(self.options.config_cache)
        write_marker(self.options.neednet)


def tell_remarks(reading: Reading) -> Reading:
    """Log what is wrong with a config."""
    for remark in reading.remarks:
        log.say(log.CRITICAL if remark.severity == "error" else log.WARNING, str(remark))
    return reading


def network_need(config: Config) -> str:
    """What of a config needs the network in later stages; empty where nothing does."""
    for record in walk(config):
        if isinstance(record, Resource) and record.source and is_remote_source(record.source):
            return f"{shown_url(record.source)} has to be fetched"
        if isinstance(record, Tang) and not record.advertisement:
            return f"the Tang server {shown_url(record.url)} has to be asked"
        if isinstance(record, ClevisCustom) and record.needs_network:
            return f"the Clevis pin {record.pin} says that it does"
    return ""


def with_local_authorities(config: Config, fetching: Fetching) -> Config:
    """The config with its certificate authorities in it, so that later stages need not fetch them."""

    def embedded(authority: Resource) -> Resource:
        return Resource(source=data_url(fetching.fetcher.authority(authority))).at(authority.origin)

    authorities = config.ignition.security.tls.certificate_authorities
    if not any(is_remote_source(authority.source or "data:") or authority.compression for authority in authorities):
        return config
    tls = config.ignition.security.tls.changed(certificate_authorities=tuple(map(embedded, authorities)))
    security = config.ignition.security.changed(tls=tls)
    return config.changed(ignition=config.ignition.changed(security=security))
