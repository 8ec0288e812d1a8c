"""What a machine sets for the agent's programs: variables from a file, in the initramfs as in the running system.

A line holds NAME=value, a comment begins with `#`. Nothing is expanded; quotes around a whole value are taken off, as
systemd and shells would. What is in the environment already wins: a kernel command line may set it for one boot.
"""

from collections.abc import Iterator, MutableMapping

from provision.apply.paths import shown
from provision.diagnostics import ProvisionError

FILE = "/etc/provision/environment"
PREFIXES = ("PROVISION_", "IGNITION_")


def load(environ: MutableMapping[str, str], path: str = FILE) -> None:
    """Take over what the file sets; none is fine. Raises ProvisionError for one that cannot be read, or is wrong."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ProvisionError(f"{path} cannot be read: {why}") from None
    for name, value in settings(text, path):
        environ.setdefault(name, value)


def settings(text: str, path: str) -> Iterator[tuple[str, str]]:
    """Names and values. Raises ProvisionError for a line that sets nothing of the agent's."""
    for number, line in enumerate(map(str.strip, text.splitlines()), 1):
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or not name.startswith(PREFIXES):
            raise ProvisionError(
                f"{path}:{number}: {shown(line)} is no setting; write NAME=value with a name that begins with "
                f"{' or '.join(PREFIXES)}"
            )
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
        yield name, value[1:-1] if quoted else value
