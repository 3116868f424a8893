"""One module per verb; each has ``configure(parser)`` and ``run(args) -> int``."""
