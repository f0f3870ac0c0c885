"""Operations whose cost is out of proportion to their text: huge powers, repetitions, ranges, widths.

They do what Python's do, or end the call with `limit` before any work is done; never less than was asked for.
"""

from __future__ import annotations

import builtins
import datetime
import operator
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from numbers import Number
from typing import Any

from tool_gym.sandbox.clock import check_directives
from tool_gym.sandbox.fuel import Meter
from tool_gym.sandbox.texts import PLAIN, in_ascii, represented, shown, without_addresses

MAX_BITS = 1 << 20
"""Size of an integer that arithmetic may make, about 315,000 decimal digits."""
MAX_TEXT = 32_000_000
"""Characters (or bytes) that repetition and padding may make."""
MAX_ITEMS = 4_000_000
"""Items that repeating a list or tuple may make."""
MAX_PLAIN_RANGE = 1_000_000
"""Longest range that C code may walk without spending fuel."""
MAX_FACTORIAL = 20_000
MAX_EXPONENT = 20_000
"""Decimal digits of a number that is made from one that only states its exponent: `int(Decimal('1e9999999'))`."""
MAX_WIDTH = 1_000_000
"""Width or precision that a format may ask for."""

_NUMBER = re.compile(r"\d+")
_EXPONENT = re.compile(r"[eE][+-]?0*(\d+)\s*$")
_CUTS = re.compile(r"%(?:\([^)]*\))?[-#0+ ]*[\d.*]+[sra]")
_CONVERSIONS: dict[str, Callable[[Any], str]] = {"r": represented, "s": shown, "a": in_ascii}


class Bounded:
    """The bounded operations of one runtime; `meter` ends calls that go past a bound."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def _limit(self, what: str) -> None:
        self._meter.stop("limit", f"{what} is larger than a tool may make")

    def check_product(self, a: Any, b: Any) -> None:
        """Ends the call if `a * b` would be huge."""
        if isinstance(a, int):
            if isinstance(b, int):
                if a.bit_length() + b.bit_length() > MAX_BITS:
                    self._limit("the product")
                return
            a, b = b, a
        if isinstance(b, int) and isinstance(a, (str, bytes, bytearray, list, tuple)):
            bound = MAX_ITEMS if isinstance(a, (list, tuple)) else MAX_TEXT
            if len(a) * b > bound:
                self._limit("the repetition")

    def check_power(self, a: Any, b: Any) -> None:
        """Ends the call if `a ** b` would be huge."""
        if not isinstance(b, int):
            return
        if isinstance(a, int) and b > 1 and (abs(a).bit_length() - 1) * b > MAX_BITS:
            self._limit("the power")
        if isinstance(a, Fraction) and max(abs(a.numerator), a.denominator).bit_length() * abs(b) > MAX_BITS:
            self._limit("the power")

    def check_shift(self, a: Any, b: Any) -> None:
        """Ends the call if `a << b` would be huge."""
        if isinstance(a, int) and isinstance(b, int) and a and a.bit_length() + b > MAX_BITS:
            self._limit("the shifted number")

    def check_width(self, width: Any) -> None:
        """Ends the call if a text of this width would be huge."""
        if isinstance(width, int) and width > MAX_WIDTH:
            self._limit("the width")

    def check_widths(self, pattern: str) -> None:
        """Ends the call if a format specification holds a huge number."""
        for digits in _NUMBER.findall(pattern):
            if len(digits) > 6 and int(digits[:20]) > MAX_WIDTH:
                self._limit("the width")

    def multiply(self, a: Any, b: Any) -> Any:
        """`a * b`."""
        if type(a) is not float and type(b) is not float:
            self.check_product(a, b)
        return a * b

    def power(self, a: Any, b: Any) -> Any:
        """`a ** b`."""
        self.check_power(a, b)
        return a**b

    def shift(self, a: Any, b: Any) -> Any:
        """`a << b`."""
        self.check_shift(a, b)
        return a << b

    def percent(self, pattern: Any, values: Any) -> Any:
        """`pattern % values` where the pattern or the values may ask for a huge width."""
        if isinstance(pattern, str):
            self._check_percent(pattern, values)
            if _CUTS.search(pattern):
                values = _all_shown(values)
            return without_addresses(pattern % values, *(values if isinstance(values, tuple) else (values,)))
        if isinstance(pattern, bytes):
            self._check_percent(pattern.decode("latin-1"), values)
        return pattern % values

    def _check_percent(self, pattern: str, values: Any) -> None:
        """Ends the call if a format asks for a huge width."""
        self.check_widths(pattern)
        if "*" in pattern:
            for value in values if isinstance(values, tuple) else ():
                self.check_width(value)

    def in_place(
        self, check: Callable[[Any, Any], None], apply: Callable[[Any, Any], Any]
    ) -> Callable[[Any, Any], Any]:
        """An augmented assignment's operation, checked first."""

        def operation(a: Any, b: Any) -> Any:
            check(a, b)
            return apply(a, b)

        return operation

    def pow(self, base: Any, exp: Any, mod: Any = None) -> Any:
        """The builtin `pow`."""
        if mod is None:
            return self.power(base, exp)
        if isinstance(exp, int) and isinstance(mod, int) and exp.bit_length() + mod.bit_length() > 20_000:
            self._limit("the power")
        return builtins.pow(base, exp, mod)

    def format_value(self, value: Any, conversion: int, spec: str) -> str:
        """One field of an f-string; `conversion` as in `ast.FormattedValue`."""
        if conversion != -1:
            value = _CONVERSIONS[chr(conversion)](value)
        return self.format(value, spec)

    def format(self, value: Any, spec: str = "") -> str:
        """The builtin `format`."""
        if isinstance(spec, str) and spec:
            self.check_widths(spec)
            if isinstance(value, (datetime.date, datetime.time)):
                check_directives(spec)
        return without_addresses(builtins.format(value, spec), value)

    def whole(self, *args: Any, **kwargs: Any) -> int:
        """`int(...)`, in sources that use decimals."""
        for arg in args:
            if isinstance(arg, Decimal):
                self._check_exponent(arg.adjusted())
        return int(*args, **kwargs)

    def fraction(self, *args: Any) -> Fraction:
        """`Fraction(...)`."""
        for arg in args:
            if isinstance(arg, Decimal) and arg.is_finite():
                self._check_exponent(abs(arg.as_tuple().exponent))  # type: ignore[arg-type]
            if isinstance(arg, str) and (found := _EXPONENT.search(arg)):
                self._check_exponent(int(found[1][:20]))
        return Fraction(*args)

    def _check_exponent(self, exponent: int) -> None:
        if exponent > MAX_EXPONENT:
            self._limit("the number")

    def padded(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """A method of text whose first argument (or second, called on the class) is a width."""

        def checked(*args: Any, **kwargs: Any) -> Any:
            for width in (*args[:2], *kwargs.values()):
                self.check_width(width)
            return method(*args, **kwargs)

        return checked

    def elements(self, it: Any) -> Callable[[], Iterator[Any]]:
        """The method `elements` of a counter, each of which costs a step; of anything else, what it is."""
        method: Any = it.elements
        if not isinstance(it, Counter) or getattr(method, "__func__", None) is not Counter.elements:
            return method  # type: ignore[no-any-return]
        return lambda: self._meter.metered(method())

    def counted(self, function: Callable[..., Any], bound: int) -> Callable[..., Any]:
        """A function of `math` whose result explodes with its first argument."""

        def checked(n: Any, *rest: Any) -> Any:
            if isinstance(n, int) and n > bound:
                self._limit("the result")
            return function(n, *rest)

        checked.__name__ = function.__name__
        return checked

    def product(self, items: Any, *, start: Any = 1) -> Any:
        """`math.prod`."""
        for item in items:
            start = self.multiply(start, item)
        return start

    def operators(self) -> dict[str, Callable[..., Any]]:
        """The functions that the compiler's rewritten operators call, by reserved name."""
        return {
            "_mul_": self.multiply,
            "_pow_": self.power,
            "_shift_": self.shift,
            "_percent_": self.percent,
            "_format_": self.format_value,
            "_int_": self.whole,
            "_imul_": self.in_place(self.check_product, operator.imul),
            "_ipow_": self.in_place(self.check_power, operator.ipow),
            "_ishift_": self.in_place(self.check_shift, operator.ilshift),
        }

    def range_type(self) -> type:
        """The tools' `range`: a Python range, or a `_LongRange` where C code could walk it for too long."""
        metered = self._meter.metered

        class Kind(type):
            def __call__(cls, *bounds: Any) -> Any:
                plain = range(*bounds)
                try:
                    short = len(plain) <= MAX_PLAIN_RANGE
                except OverflowError:
                    short = False
                return plain if short else _LongRange(plain, metered)

            def __instancecheck__(cls, value: object) -> bool:
                return isinstance(value, (range, _LongRange))

        doc = "Python's own; a long one costs a step for each item that is taken from it."
        return Kind("range", (), {"__module__": "builtins", "__doc__": doc})


class _Shown:
    """Stands for a value in a format that cuts or pads its text."""

    def __init__(self, it: Any) -> None:
        self._it = it

    def __str__(self) -> str:
        return shown(self._it)

    def __repr__(self) -> str:
        return represented(self._it)


def _all_shown(values: Any) -> Any:
    """The values of a `%` format, those that are not numbers or texts replaced."""
    if isinstance(values, tuple):
        return tuple(map(_all_shown_of, values))
    if isinstance(values, Mapping):
        return {key: _all_shown_of(value) for key, value in values.items()}
    return _all_shown_of(values)


def _all_shown_of(it: Any) -> Any:
    return it if type(it) in PLAIN or isinstance(it, (Number, str)) else _Shown(it)


class _LongRange:
    """A range of which every item costs a step."""

    __slots__ = ("_metered", "_plain")

    def __init__(self, plain: range, metered: Callable[[Any], Iterator[Any]]) -> None:
        self._plain, self._metered = plain, metered

    def __iter__(self) -> Iterator[int]:
        return self._metered(self._plain)

    def __reversed__(self) -> Iterator[int]:
        return self._metered(reversed(self._plain))

    def __len__(self) -> int:
        return len(self._plain)

    def __contains__(self, item: object) -> bool:
        # Python walks a range to find anything but an integer.
        return item in self._plain if isinstance(item, int) else any(item == other for other in self)

    def __getitem__(self, index: Any) -> Any:
        found = self._plain[index]
        return _LongRange(found, self._metered) if isinstance(found, range) else found

    def __eq__(self, other: object) -> bool:
        return self._plain == (other._plain if isinstance(other, _LongRange) else other)

    def __hash__(self) -> int:
        return hash(self._plain)

    start = property(lambda self: self._plain.start)
    stop = property(lambda self: self._plain.stop)
    step = property(lambda self: self._plain.step)

    def index(self, item: Any) -> int:
        if item not in self:
            raise ValueError(f"{item!r} is not in range")
        return self._plain.index(int(item))

    def count(self, item: object) -> int:
        return int(item in self)

    def __repr__(self) -> str:
        return repr(self._plain)


Sequence.register(_LongRange)
