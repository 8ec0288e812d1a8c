#!/usr/bin/env python3
import pathlib

for name in ("one", "two"):
    folder = pathlib.Path("/var/lib") / name
    folder.mkdir(exist_ok=True)
    print(f"made {folder}")
