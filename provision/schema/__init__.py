"""What a document may hold: the dialects' rows, their JSON Schemas, and the rules. Imports nothing by itself."""
