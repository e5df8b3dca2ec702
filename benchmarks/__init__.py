"""Benchmarks: what the gateway costs, beside a bare floor, in one run."""
