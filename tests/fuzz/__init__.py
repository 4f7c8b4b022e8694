"""Mutated payloads into everything that reads: `make fuzz`, and a short form in `make test`."""
