"""Adapters that are faulty on purpose: the compliance suite must name the fault, and no other."""
