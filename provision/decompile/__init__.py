"""Back to Butane: a config as the document that a person would have written.

`butane` makes a tree of elements out of records, `contents` decides how content is shown, `releases` finds the release
that can hold it all, `comments` brings along what the author of another dialect wrote beside it, `yaml` writes the tree,
and `files` is the way from a file to a file. What comes out is transpiled to the config that went in.
"""
