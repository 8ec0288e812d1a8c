"""What comes before the platform: the kernel command line, and `user.ign` of the image.

Both say None where they name no config, so that the next is asked, and empty bytes for one that is empty.
"""

from provision.apply import kernel_command_line, log
from provision.apply.paths import shown
from provision.apply.providers.host import Host, read_file
from provision.apply.providers.labels import content_of, on_device
from provision.apply.roots import Root
from provision.diagnostics import ProvisionError
from provision.ignition import Resource

DEVICE_LIMIT_S = 30
USER_CONFIG = "user.ign"

# Highest first: the variable that names the folder, and what holds without it. Source: Ignition, `internal/distro`.
FOLDERS = (
    ("IGNITION_SYSTEM_RUNTIME_CONFIG_DIR", "/run/ignition"),
    ("IGNITION_SYSTEM_LOCAL_CONFIG_DIR", "/etc/ignition"),
    ("IGNITION_SYSTEM_CONFIG_DIR", "/usr/lib/ignition"),
)


def system_folders(host: Host) -> tuple[str, ...]:
    """The folders with configs of the image itself, as paths of this process, highest first."""
    return tuple(host.environ.get(variable) or host.path(folder) for variable, folder in FOLDERS)


def user_ign(host: Host) -> bytes | None:
    """The first `user.ign` of the system's folders."""
    for folder in system_folders(host):
        content = read_file(f"{folder}/{USER_CONFIG}")
        if content is not None:
            log.info(f"reading {folder}/{USER_CONFIG}")
            return content
    return None


def from_kernel_command_line(host: Host) -> bytes | None:
    """The config that the kernel command line names, by URL or by device and path. Source: Ignition,
    `internal/providers/cmdline`.
    """
    text = host.kernel_command_line()
    url = config_url(text)
    label = kernel_command_line.value(text, kernel_command_line.CONFIG_DEVICE)
    path = kernel_command_line.value(text, kernel_command_line.CONFIG_PATH)
    if url:
        if label or path:
            log.warning(f"{kernel_command_line.CONFIG_URL} is taken; the device and path beside it are ignored")
        return host.fetcher.read(Resource(source=host.address(url)))
    if label and path:
        return on_device(host, label, DEVICE_LIMIT_S, lambda root: required(root, label, path))
    if label or path:
        raise ProvisionError(
            f"the kernel command line has only one of {kernel_command_line.CONFIG_DEVICE} and"
            f" {kernel_command_line.CONFIG_PATH}; give both, or take it away"
        )
    return None


def config_url(text: str) -> str:
    """The last URL that can be taken apart; empty where there is none."""
    url = ""
    for value in kernel_command_line.values(text, kernel_command_line.CONFIG_URL):
        if is_url(value):
            url = value
        else:
            log.warning(f"{kernel_command_line.CONFIG_URL} is passed over, for it is no URL")
    return url


def is_url(text: str) -> bool:
    """Whether a text can be taken apart as a URL."""
    from provision.schema.rules.urls import parse

    try:
        parse(text)
    except ValueError:
        return False
    return True


def required(root: Root, label: str, path: str) -> bytes:
    """A file of a device that must be there."""
    content = content_of(root, path)
    if content is None:
        raise ProvisionError(f"the device {shown(label)} has no {shown(path)}")
    return content
