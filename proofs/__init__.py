"""Proofs of what one run of a test cannot show: `python -m proofs.NAME`, from the root."""
