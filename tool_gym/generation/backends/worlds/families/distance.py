"""Distances between places, by name or by coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tool_gym.generation.backends.worlds.families.base import Family, Parameter, body, enum, finder, imports, module
from tool_gym.generation.backends.worlds.geometry import EARTH_RADIUS_KM
from tool_gym.generation.backends.worlds.grammar import article, series
from tool_gym.generation.backends.worlds.plan import DISTANCE_DECIMALS, Operation
from tool_gym.generation.backends.worlds.spec import ToolSpec
from tool_gym.generation.backends.worlds.world import World

_UNITS = {"km": 1.0, "mi": 1.609344, "nmi": 1.852, "m": 0.001}


class Distance(Family):
    """`distance(origin, target, …)` or `distance(points, …)` -> `{"distance", "unit"}`. Fields are types of places."""

    name = "distance"
    operations = ("distance",)
    options = ("unit", "decimals", "round_trip", "detour", "speed", "with_bearing")
    shapes = ("points",)

    def narrow(self, operation: Operation, world: World) -> ToolSpec:
        """Between two places."""
        return ToolSpec(family=self.name, fields=self._located(world))

    def functions(self, world: World) -> list[ToolSpec]:
        """One, where there are places."""
        places = self._located(world)
        return [ToolSpec(family=self.name, fields=places)] if places else []

    def _located(self, world: World) -> tuple[str, ...]:
        return tuple(key for key, kind in world.domain.types.items() if kind.located)

    def parameters(self, spec: ToolSpec, world: World) -> list[Parameter]:
        """The ends, the unit, and what is added to the way."""
        nouns = article(series([world.domain.types[key].noun for key in spec.fields], "or"))
        if "points" in spec.shapes:
            number = {"type": "number"}
            position = {
                "type": "object", "properties": {"latitude": number, "longitude": number},
                "required": ["latitude", "longitude"], "additionalProperties": False,
            }  # fmt: skip
            either = {"anyOf": [{"type": "string"}, position]}
            text = f"Two or more points in the order of travel: the name of {nouns}, or coordinates in degrees."
            made = [Parameter("points", {"type": "array", "items": either, "minItems": 2, "description": text})]
        else:
            made = [
                Parameter("origin", {"type": "string", "description": f"Name of {nouns}: where the way begins."}),
                Parameter("target", {"type": "string", "description": f"Name of {nouns}: where it ends."}),
            ]
        numbers = {
            "decimals": ("integer", 0, 6, "Decimal places of the distance.", DISTANCE_DECIMALS),
            "detour": ("number", 0, 200, "Percentage to add for a way that is not straight.", 0),
            "speed": ("number", 0.1, 2000, "Speed in the unit per hour; adds how many hours the way takes.", None),
        }
        if "unit" in spec.options:
            made.append(Parameter("unit", enum(_UNITS, "Unit of length."), "km"))
        for role, (kind, low, high, text, default) in numbers.items():
            if role in spec.options:
                made.append(
                    Parameter(role, {"type": kind, "minimum": low, "maximum": high, "description": text}, default)
                )
        flags = {"round_trip": "Measure there and back.", "with_bearing": "Add the course at the start, in degrees."}
        for role, text in flags.items():
            if role in spec.options:
                made.append(Parameter(role, {"type": "boolean", "description": text}, False))
        return made

    def arguments(self, operation: Operation, values: Sequence[Any], spec: ToolSpec, world: World) -> dict[str, Any]:
        """The two ends; the rest is as the plan has it by default."""
        if "points" in spec.shapes:
            return {spec.word("points"): list(values)}
        return {spec.word("origin"): values[0], spec.word("target"): values[1]}

    def path(self, operation: Operation, spec: ToolSpec, world: World) -> str:
        """The distance."""
        return f"/{spec.word('distance')}"

    def tables(self, spec: ToolSpec, world: World) -> tuple[str, ...]:
        """Those of all places."""
        return tuple(world.domain.types[key].table for key in spec.fields)

    def summary(self, spec: ToolSpec, world: World) -> str:
        """Between what."""
        kinds = " or ".join(world.domain.types[key].plural for key in spec.fields)
        return f"how far apart {kinds} lie as the crow flies, on a sphere"

    def source(self, spec: ToolSpec, world: World) -> str:
        """The function."""
        rows = " + ".join(f'list(DATA["{table}"])' for table in self.tables(spec, world))
        points = "points" in spec.shapes
        lookup = 'row = _find(places, "name", point)'
        if points:
            lookup = 'row = point if isinstance(point, dict) else _find(places, "name", point)'
        ends = spec.word("points") if points else f"[{spec.word('origin')}, {spec.word('target')}]"
        unit = spec.word("unit") if "unit" in spec.options else '"km"'
        decimals = spec.word("decimals") if "decimals" in spec.options else str(DISTANCE_DECIMALS)
        pieces = [
            f"places = {rows}\nway = []\nfor point in {ends}:\n    {lookup}\n"
            '    way.append((math.radians(row["latitude"]), math.radians(row["longitude"])))'
        ]
        if "round_trip" in spec.options:
            pieces.append(f"if {spec.word('round_trip')}:\n    way += way[-2::-1]")
        pieces.append("length = sum(_arc(*pair) for pair in zip(way, way[1:]))")
        if "detour" in spec.options:
            pieces.append(f"length *= 1 + {spec.word('detour')} / 100")
        pieces.append(
            f"length = length * {EARTH_RADIUS_KM} / UNITS[{unit}]\n"
            f'result = {{"{spec.word("distance")}": round(length, {decimals}), "unit": {unit}}}'
        )
        if "speed" in spec.options:
            word = spec.word("speed")
            pieces.append(f'if {word} is not None:\n    result["hours"] = round(length / {word}, 2)')
        if "with_bearing" in spec.options:
            pieces.append(
                f"if {spec.word('with_bearing')}:\n    (phi, start), (theta, end) = way[0], way[1]\n"
                "    east = math.sin(end - start) * math.cos(theta)\n"
                "    north = math.cos(phi) * math.sin(theta)\n"
                "    north -= math.sin(phi) * math.cos(theta) * math.cos(end - start)\n"
                '    result["course"] = round(math.degrees(math.atan2(east, north)) % 360, 1)'
            )
        arc = """def _arc(start, end):
    \"\"\"The angle between two points, in radians.\"\"\"
    north, east = (end[0] - start[0]) / 2, (end[1] - start[1]) / 2
    chord = math.sin(north) ** 2 + math.cos(start[0]) * math.cos(end[0]) * math.sin(east) ** 2
    return 2 * math.asin(math.sqrt(chord))"""
        units = _UNITS if "unit" in spec.options else {"km": 1.0}
        return module(
            imports(spec, "difflib", "math"), f"UNITS = {units!r}", finder(spec, "place"), arc,
            self.head(spec, world) + "\n" + body(*pieces, "return result"),
        )  # fmt: skip
