"""How fast the gateway is: ratios to a raw ceiling of the same run (`python -m tests.bench`, docs/performance.md)."""
