"""From a document to Ignition JSON. Imports nothing by itself."""
