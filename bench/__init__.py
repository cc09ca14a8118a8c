"""Measurements: the portal as it is served, beside the least the same server can answer. See docs/benchmarks.md."""
