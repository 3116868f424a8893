"""Ordered SQL fragments to one migration that guards itself."""
