"""What a platform can do for the applier, and the two that ask nobody."""

from provision.apply.fetch import Credentials, NeedsNetwork
from provision.apply.providers.host import Host, OutputFile, read_file
from provision.diagnostics import ProvisionError

CONFIG_FILE_VARIABLE = "IGNITION_CONFIG_FILE"
CONFIG_FILE = "config.ign"


class Provider:
    """Where a platform keeps the config of its user. A row of `PROVIDERS`; holds no state.

    `what` names the source in messages.
    """

    what = "the platform"
    # Whether what it does between two waits is short. In a race it is waited for, so that it can clean up.
    ends_when_overtaken = False

    def fetch(self, host: Host) -> bytes | None:
        """The config, None or nothing where the user gave none. Raises NeedsNetwork where that is missing, and
        ProvisionError where the platform cannot be asked.
        """
        raise NotImplementedError

    def init(self, host: Host) -> None:
        """What has to be known before anything is fetched, in each stage. May raise NeedsNetwork."""

    def credentials(self, host: Host) -> Credentials:
        """How this machine may ask for objects of S3 and Google Cloud Storage."""
        return Credentials()

    def output_files(self, host: Host) -> list[OutputFile]:
        """What `fetch` found beside the config, for the files stage to write."""
        return host.output_files

    def delete(self, host: Host) -> None:
        """Have the platform forget the config, which may hold secrets."""
        raise ProvisionError("this platform has no way to delete the config", exit_code=1)

    def report(self, host: Host, stage: str, error: str | None) -> None:
        """Tell the platform how a stage ended."""


class NoConfig(Provider):
    """A platform without a place for a config: hardware, which is told by the kernel command line."""

    what = "nowhere"

    def fetch(self, host: Host) -> bytes | None:
        return None


class LocalFile(Provider):
    """A file of this machine, for tests and for images that bring their config along."""

    what = "the config file"

    def fetch(self, host: Host) -> bytes | None:
        path = host.environ.get(CONFIG_FILE_VARIABLE) or CONFIG_FILE
        content = read_file(path)
        if content is None:
            raise ProvisionError(f"the config {path} does not exist; {CONFIG_FILE_VARIABLE} names another")
        return content


def asked(provider: Provider, host: Host) -> bytes | None:
    """What a provider says, with its name before what goes wrong."""
    try:
        return provider.fetch(host)
    except NeedsNetwork:
        raise
    except ProvisionError as error:
        raise ProvisionError(f"{provider.what}: {error}", exit_code=error.exit_code) from None
