"""Many machines: generation, rollouts and evaluation as jobs of a Ray cluster, with the results of a single machine."""
