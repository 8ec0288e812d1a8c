"""The act that changes the kernel command line, by a helper of the distribution: every boot loader has its own way."""

from provision.apply.operations import Act
from provision.apply.paths import shown
from provision.record import field
from provision.typed import Protocol


class KernelArguments(Protocol):
    """What this act asks of the machine."""

    def change(self, arguments: tuple[str, ...]) -> None:
        """Call the helper. It reboots the machine where it changed anything."""


class ChangeKernelArguments(Act[KernelArguments]):
    """Add and take away kernel arguments."""

    should_exist: tuple[str, ...] = field(default=(), doc="Arguments to add where missing.")
    should_not_exist: tuple[str, ...] = field(default=(), doc="Arguments to take away.")

    def describe(self) -> str:
        parts = [f"add {shown(' '.join(self.should_exist))}"] if self.should_exist else []
        parts += [f"take away {shown(' '.join(self.should_not_exist))}"] if self.should_not_exist else []
        return f"kernel arguments: {'; '.join(parts)}"

    def done(self, reader: KernelArguments) -> bool:
        return False

    def execute(self, system: KernelArguments) -> None:
        wanted = [word for argument in self.should_exist for word in ("--should-exist", argument)]
        unwanted = [word for argument in self.should_not_exist for word in ("--should-not-exist", argument)]
        system.change((*wanted, *unwanted))
