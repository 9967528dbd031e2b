"""Questions, metrics, baselines and benchmarks."""
