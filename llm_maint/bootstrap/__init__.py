"""Settings become working parts; environment, clock and signals are read here and nowhere else."""
