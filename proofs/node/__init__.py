"""Programs that npm installs for the proofs; each folder is one package.json with what it runs."""
