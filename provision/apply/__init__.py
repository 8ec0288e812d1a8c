"""Applying an Ignition config to a machine. Runs from an initramfs: standard library only, nothing imported here."""
