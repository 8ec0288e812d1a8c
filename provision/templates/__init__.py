"""Templates: documents with typed parameters, rendered by Jinja; problems come back to the author's line.

`library` finds templates, `header` reads their parameters, `values` brings what they are set to, `rendering` makes the text
and compiles it. Everything here is for authors; the applier knows nothing of it.
"""

# How the names of templates end.
SUFFIX = ".j2"
