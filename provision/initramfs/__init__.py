"""Putting the first boot into a system: which files go where for each kind of initramfs, and taking them away again.

`kinds` is the table, `programs` what the initramfs is to have beside the agent, `root_python` finds the interpreter that
the agent is compiled for, `placing` writes and removes. The files themselves lie in `apply/initramfs`.
"""
