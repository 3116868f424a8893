"""BUILD.toml files to labels, the target graph, its order and its strict dependencies."""
