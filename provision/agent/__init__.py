"""The agent: the applier in one file, for an initramfs. Made on an author's machine; `apply.pack` puts it in its place."""
