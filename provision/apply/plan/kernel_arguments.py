"""kernelArguments."""

from collections.abc import Iterator

from provision.apply.operations.kernel_arguments import ChangeKernelArguments
from provision.ignition import Config


def plan_kernel_arguments(config: Config) -> Iterator[ChangeKernelArguments]:
    """One call of the helper, if there is anything to change."""
    arguments = config.kernel_arguments
    if arguments.should_exist or arguments.should_not_exist:
        yield ChangeKernelArguments(
            should_exist=arguments.should_exist, should_not_exist=arguments.should_not_exist
        ).at(arguments)  # fmt: skip
