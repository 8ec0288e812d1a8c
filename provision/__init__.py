"""provision: from a human's YAML to a provisioned machine on its first boot."""

__version__ = "0.1.0"
