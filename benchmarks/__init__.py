"""How fast, beside the tools that people use: `python -m benchmarks.run`."""
