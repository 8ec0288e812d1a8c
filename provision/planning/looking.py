"""This machine as one that a forecast is for, and as facts to be recorded. Looks, and never writes."""

from collections.abc import Iterator
from contextlib import contextmanager

from provision.apply.devices.survey import block_devices
from provision.apply.facts_file import MachineFacts
from provision.apply.paths import shown
from provision.apply.recording import View, device_remarks, record
from provision.apply.references import Rendering, render
from provision.apply.roots import Root
from provision.ignition import Config
from provision.planning.forecast import OfflineReads
from provision.planning.machine import EMPTY_ROOT, Machine, empty_root, listed
from provision.planning.root import paths_asked


@contextmanager
def this_machine(root_path: str | None) -> Iterator[Machine]:
    """The devices of this machine with a root directory, or an empty one where none is named."""
    devices = block_devices()
    notes = tuple(device_remarks(devices))
    if root_path is None:
        notes += (f"{EMPTY_ROOT}; --root DIR names one",)
        yield Machine("this machine", devices, empty_root(), "", notes, list)
        return
    root = Root(root_path)
    try:
        view = View(root)
        title = f"this machine with the root {shown(root_path)}"
        yield Machine(title, devices, view.facts(), root.host_path, notes, lambda: closed(view))
    finally:
        root.close()


def closed(view: View) -> list[str]:
    """What may not be looked at by the one who plans."""
    if not view.closed:
        return []
    return [f"could not be looked at: {listed(view.closed)}; taken for missing. Root may look there"]


def recorded_here(root_path: str | None, config: Config | None) -> MachineFacts:
    """The facts of this machine, with a root directory where one is named, and there with all that a config touches."""
    devices = block_devices()
    if root_path is None:
        return record(devices, None)
    root = Root(root_path)
    try:
        return record(devices, root, asked_for(config, root) if config is not None else ())
    finally:
        root.close()


def asked_for(config: Config, root: Root) -> list[str]:
    """The paths that planning a config looks at."""
    view = View(root)
    machine = Machine("", (), view.facts(), root.host_path, (), list)
    return paths_asked(render(config, Rendering(OfflineReads())), machine)
