"""The first boot of a machine: recognizing it, where it runs, and what is left to do around the stages.

`recognition` decides, `target` looks at the root file system before it is mounted, `stamp` knows the file that asks for a
first boot, `platforms` guesses the platform, `run_file` keeps what was decided for this boot, `network` takes down what was brought up
for it, `consoles` shows what failed. `command` is the program.
"""
