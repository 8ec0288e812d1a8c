"""Hyper-V: the config is in the key-value pairs that the host pushes through a kernel device, once in a boot.

The daemon that usually keeps them (`hv_kvp_daemon`) finds them in files of pools, so they are written there, too.
Source: linux/hyperv.h; Ignition, `internal/providers/hyperv`.
"""

import os
import struct
from collections.abc import Iterator

from provision.apply import log
from provision.apply.providers.host import Host, OutputFile
from provision.apply.providers.provider import Provider
from provision.diagnostics import ProvisionError

DEVICE = "/dev/vmbus/hv_kvp"
MODULE, SIGN = "hv_utils", "/sys/bus/vmbus/drivers/hv_utils"
QUIET_MS = 1000

KEY_BYTES, VALUE_BYTES = 512, 2048
# struct hv_kvp_msg with hv_kvp_msg_set: operation, pool; type, key size, value size, key, value. Its union is longer.
SET_MESSAGE = struct.Struct(f"=BBxxIII{KEY_BYTES}s{VALUE_BYTES}s")
STATUS = struct.Struct("=I")
MESSAGE_BYTES = 7432
SET, REGISTER = 1, 100
DONE, FAILED = 0, 0x80004005

POOLS = 5
# The pool that a person or program on the host writes to.
EXTERNAL = 0
POOL_FILE = "/var/lib/hyperv/.kvp_pool_{}"
# The daemon's own files are open to all; ours hold the config.
POOL_MODE = 0o600

CONFIG_KEY = b"ignition.config"

Pairs = list[tuple[bytes, bytes]]


class KeyValuePairs(Provider):
    """The key `ignition.config`, or its parts `ignition.config.0`, `.1`…"""

    what = "Hyper-V's key-value pairs"

    def fetch(self, host: Host) -> bytes | None:
        host.load_module(MODULE, SIGN)
        fd = host.open(DEVICE, os.O_RDWR | os.O_NONBLOCK)
        try:
            pools = receive(fd, int(QUIET_MS * host.pace))
        except OSError as error:
            raise ProvisionError(f"{DEVICE} failed: {error.strerror}") from None
        finally:
            os.close(fd)
        host.output_files += pool_files(pools)
        return config_in(pools[EXTERNAL])


def receive(fd: int, quiet_ms: int) -> dict[int, Pairs]:
    """All pairs by pool, as soon as the device has been quiet for a while."""
    from select import POLLIN, poll

    pools: dict[int, Pairs] = {pool: [] for pool in range(POOLS)}
    waiting = poll()
    waiting.register(fd, POLLIN)
    send(fd, bytes([REGISTER]))
    while waiting.poll(quiet_ms):
        try:
            message = os.read(fd, MESSAGE_BYTES)
        except BlockingIOError:
            continue
        if len(message) != MESSAGE_BYTES:
            raise ProvisionError(f"{DEVICE} gave a message of {len(message)} bytes; this needs {MESSAGE_BYTES}")
        if message[0] != REGISTER:
            send(fd, STATUS.pack(keep(message, pools)))
    return pools


def send(fd: int, head: bytes) -> None:
    """Write a message, which always has its full length."""
    if os.write(fd, head.ljust(MESSAGE_BYTES, b"\0")) != MESSAGE_BYTES:
        raise ProvisionError(f"{DEVICE} took only a part of a message")


def keep(message: bytes, pools: dict[int, Pairs]) -> int:
    """Put a pair that the host sets where it belongs; the answer is the status for the host."""
    operation, pool, _, key_size, value_size, key, value = SET_MESSAGE.unpack_from(message)
    if operation != SET:
        return FAILED
    # The sizes count the NUL at the end.
    pools.setdefault(pool, []).append((key[: max(key_size - 1, 0)], value[: max(value_size - 1, 0)]))
    return DONE


def config_in(pairs: Pairs) -> bytes | None:
    """The config, which may be one value or several; the first of equal keys counts."""
    known = dict(reversed(pairs))
    if known.get(CONFIG_KEY):
        return known[CONFIG_KEY]
    parts = list(numbered(known))
    log.debug(f"the config is in {len(parts)} parts")
    return b"".join(parts) or None


def numbered(known: dict[bytes, bytes]) -> Iterator[bytes]:
    """The values of the numbered keys, from 0 to the first that is missing."""
    number = 0
    while (part := known.get(CONFIG_KEY + b".%d" % number)) is not None:
        yield part
        number += 1


def pool_files(pools: dict[int, Pairs]) -> list[OutputFile]:
    """The pools as the daemon keeps them: records of fixed length."""
    return [
        OutputFile(
            POOL_FILE.format(pool),
            b"".join(key.ljust(KEY_BYTES, b"\0") + value.ljust(VALUE_BYTES, b"\0") for key, value in pairs),
            POOL_MODE,
        )
        for pool, pairs in sorted(pools.items())
    ]
