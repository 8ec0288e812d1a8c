"""What the kernel command line says to the applier. Pure, but for `read`, which finds the text.

Words are split at white space, there is no quoting, and the last one that names a key wins. Source: Ignition,
`internal/providers/cmdline`, and the generator of its dracut module.
"""

from collections.abc import Iterator, Mapping

from provision.diagnostics import ProvisionError

PATH = "/proc/cmdline"
PATH_VARIABLE = "IGNITION_KERNEL_CMDLINE_PATH"

FIRST_BOOT = ("provision.firstboot", "ignition.firstboot")
PLATFORM = "ignition.platform.id"
CONFIG_URL = "ignition.config.url"
CONFIG_DEVICE = "ignition.config.device"
CONFIG_PATH = "ignition.config.path"
# Where the result of a run is sent, as JSON.
REPORT_URL = "provision.report.url"

# Values of a switch that turn it off; its bare word turns it on.
OFF = ("", "0", "no", "off")


def read(environ: Mapping[str, str], prefix: str = "") -> str:
    """The text of the command line; another file than the kernel's own can be named by a variable."""
    path = environ.get(PATH_VARIABLE) or prefix + PATH
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError as error:
        raise ProvisionError(f"the kernel command line cannot be read from {path}: {error.strerror}") from None


def values(text: str, key: str) -> Iterator[str]:
    """The values that are not empty of all `key=value`, in their order."""
    for word in text.split():
        name, _, value = word.partition("=")
        if name == key and value:
            yield value


def value(text: str, key: str) -> str:
    """The last value of a key that is not empty; empty where there is none."""
    return ["", *values(text, key)][-1]


def is_first_boot(text: str) -> bool:
    """Whether this boot is to provision the machine."""
    return bool(first_boot_words(text))


def first_boot_words(text: str) -> list[str]:
    """Those of the words for a first boot that are on the command line and not switched off."""
    said = dict.fromkeys(FIRST_BOOT, "")
    for word in text.split():
        name, equals, value = word.partition("=")
        if name in said:
            said[name] = value if equals else name
    return [name for name, value in said.items() if value not in OFF]
