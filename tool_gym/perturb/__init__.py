"""Perturbations: the same scenarios through tools as they come in the wild, renamed, crowded, incomplete, flaky.

`pack.under` gives a pack whose scenarios are perturbed as they are read, so that whatever plays packs plays them.
"""
