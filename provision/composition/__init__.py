"""One config from several documents, put together when it is built, by the rules that Ignition merges by.

`parts` reads the documents, `conflicts` finds what two of them set to different values, `whole` has the merged config checked
with each problem at its place in the inputs. `ignition.config.merge` inside a document is the same at build time where its
entries hold the config.
"""
