"""SQL text to statements, what each provides and requires, and the schema they declare."""
