"""Having what was written on the disks."""

import os


def sync_filesystem(fd: int) -> None:
    """Wait until all that was written to the file system of an open node is on its device. Source: syncfs(2).

    Through ctypes, which loads in 3 ms, for Python has no such call: the program `sync` is one more to have in an
    initramfs, and os.sync() waits for every other file system of the machine, too. It is what is left without ctypes.
    """
    try:
        import ctypes

        call = ctypes.CDLL(None, use_errno=True).syncfs
    except (ImportError, OSError, AttributeError):
        os.sync()
        return
    if call(fd) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
