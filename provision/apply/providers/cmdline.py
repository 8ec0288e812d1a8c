"""The config that the kernel command line names; it comes before that of the platform."""

from provision.apply import kernel_command_line, log
from provision.apply.paths import shown
from provision.apply.providers.host import Host
from provision.apply.providers.labels import content_of, on_device
from provision.apply.roots import Root
from provision.diagnostics import ProvisionError
from provision.ignition import Resource

DEVICE_LIMIT_S = 30


def from_kernel_command_line(host: Host) -> bytes | None:
    """What is at the URL, or at the path on the device; None where it names no config, and nothing for an empty one.

    Source: Ignition, `internal/providers/cmdline`.
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
