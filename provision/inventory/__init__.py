"""Many machines from one file: groups and hosts with variables, and the documents that each host's config is built from.

`reading` reads the file, `documents` finds what it names, `hosts` builds one config, `together` looks at what the hosts say of
each other, `outputs` keeps the folder of results, `building` does all of it. Nothing here is about the inventory of what a
config holds, which `provision inspect` prints.
"""
