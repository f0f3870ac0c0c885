"""Distances on a sphere, as the tools of a world measure them."""

from __future__ import annotations

import math
from collections.abc import Mapping

EARTH_RADIUS_KM = 6371.0


def distance_km(origin: Mapping[str, float], target: Mapping[str, float]) -> float:
    """Great-circle distance in kilometres between two entities with `latitude` and `longitude` in degrees."""
    phi_1, phi_2 = math.radians(origin["latitude"]), math.radians(target["latitude"])
    delta = math.radians(target["longitude"] - origin["longitude"])
    chord = math.sin((phi_2 - phi_1) / 2) ** 2 + math.cos(phi_1) * math.cos(phi_2) * math.sin(delta / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(chord))
