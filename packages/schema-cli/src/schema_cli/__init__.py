"""The ``schema`` command."""
