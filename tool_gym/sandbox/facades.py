"""The modules that tools may import: for each, a read-only object with the names that are safe to share.

A real module leads everywhere (`json.codecs.builtins`), so tools never get one. A facade has no `__name__`, so that
`from json import decoder` cannot fall back to Python's table of loaded modules.
"""

from __future__ import annotations

import abc
import base64
import binascii
import bisect
import calendar
import cmath
import codecs
import collections
import collections.abc
import contextlib
import copy
import csv
import dataclasses
import datetime
import decimal
import difflib
import enum
import fractions
import functools
import hashlib
import heapq
import importlib
import io
import itertools
import json
import math
import numbers
import operator
import random
import re
import statistics
import string
import textwrap
import time
import typing
import unicodedata
import uuid
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType, ModuleType, UnionType
from typing import Any, NoReturn

from tool_gym.frozen import FrozenList
from tool_gym.sandbox.bounded import MAX_FACTORIAL, Bounded
from tool_gym.sandbox.clock import Clock, Dice, parse_time
from tool_gym.sandbox.fuel import Meter
from tool_gym.sandbox.rules import MODULE_NAME, attribute_problem
from tool_gym.sandbox.texts import plain_repr, scrubbed, stand_in, without_addresses

# What Python would load when it is first needed, which a sealed worker no longer can.
importlib.import_module("_strptime")
_ENCODINGS = (
    "ascii latin-1 utf-7 utf-8 utf-8-sig utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be cp1252 cp437 iso8859-2 "
    "iso8859-15 idna punycode unicode-escape raw-unicode-escape hex base64 rot13"
)
for _encoding in _ENCODINGS.split():
    codecs.lookup(_encoding)

SHARED: dict[ModuleType, str] = {
    abc: "ABC",
    base64: "b64encode b64decode standard_b64encode standard_b64decode urlsafe_b64encode urlsafe_b64decode "
    "b32encode b32decode b16encode b16decode b85encode b85decode a85encode a85decode",
    binascii: "hexlify unhexlify b2a_hex a2b_hex b2a_base64 a2b_base64 crc32 crc_hqx Error",
    bisect: "bisect bisect_left bisect_right insort insort_left insort_right",
    calendar: "isleap leapdays weekday monthrange monthcalendar month calendar timegm month_name month_abbr day_name "
    "day_abbr Calendar IllegalMonthError IllegalWeekdayError "
    "MONDAY TUESDAY WEDNESDAY THURSDAY FRIDAY SATURDAY SUNDAY",
    cmath: "acos acosh asin asinh atan atanh cos cosh exp isclose isfinite isinf isnan log log10 phase polar rect sin "
    "sinh sqrt tan tanh e inf infj nan nanj pi tau",
    collections: "Counter OrderedDict defaultdict deque ChainMap UserDict UserList UserString",
    collections.abc: "Callable Collection Container Generator Hashable ItemsView Iterable Iterator KeysView Mapping "
    "MutableMapping MutableSequence MutableSet Reversible Sequence Set Sized ValuesView",
    contextlib: "contextmanager nullcontext suppress closing",
    copy: "copy deepcopy Error",
    csv: "reader DictReader Error QUOTE_ALL QUOTE_MINIMAL QUOTE_NONNUMERIC QUOTE_NONE",
    dataclasses: "field asdict astuple replace fields is_dataclass FrozenInstanceError InitVar KW_ONLY MISSING",
    datetime: "date datetime time timedelta timezone tzinfo MINYEAR MAXYEAR UTC",
    decimal: "Decimal Context getcontext setcontext localcontext DecimalException InvalidOperation DivisionByZero "
    "Overflow Underflow Inexact Rounded ROUND_CEILING ROUND_DOWN ROUND_FLOOR ROUND_HALF_DOWN ROUND_HALF_EVEN "
    "ROUND_HALF_UP ROUND_UP ROUND_05UP",
    difflib: "SequenceMatcher get_close_matches ndiff unified_diff context_diff Differ",
    enum: "auto unique",
    fractions: "",
    functools: "reduce partial partialmethod lru_cache cache cmp_to_key cached_property",
    hashlib: "md5 sha1 sha224 sha256 sha384 sha512 sha3_224 sha3_256 sha3_384 sha3_512 blake2b blake2s",
    heapq: "nlargest nsmallest merge",
    io: "StringIO BytesIO",
    itertools: "accumulate chain compress dropwhile filterfalse groupby islice pairwise starmap takewhile tee "
    "zip_longest batched",
    json: "dumps loads dump load JSONDecodeError JSONEncoder JSONDecoder",
    math: "acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh degrees dist e erf erfc exp exp2 expm1 "
    "fabs floor fmod frexp fsum gamma gcd hypot inf isclose isfinite isinf isnan isqrt lcm ldexp lgamma log log10 "
    "log1p log2 modf nan nextafter pi pow radians remainder sin sinh sqrt tan tanh tau trunc ulp",
    numbers: "Number Complex Real Rational Integral",
    operator: "abs add and_ concat contains countOf delitem eq floordiv ge getitem gt iadd iand iconcat index indexOf "
    "inv invert ior is_ is_not isub itemgetter le lt mod ne neg not_ or_ pos setitem sub truediv truth xor",
    random: "",
    re: "compile search match fullmatch findall finditer split sub subn escape error Pattern Match A ASCII I "
    "IGNORECASE M MULTILINE S DOTALL X VERBOSE U UNICODE",
    statistics: "mean fmean geometric_mean harmonic_mean median median_low median_high median_grouped mode multimode "
    "quantiles pstdev pvariance stdev variance correlation covariance linear_regression NormalDist StatisticsError",
    string: "ascii_letters ascii_lowercase ascii_uppercase digits hexdigits octdigits printable punctuation whitespace "
    "capwords",
    textwrap: "wrap fill shorten dedent indent TextWrapper",
    time: "struct_time",
    typing: "Any Optional Union List Dict Set FrozenSet Tuple Type Callable Iterable Iterator Sequence Mapping "
    "MutableMapping MutableSequence Generator Literal Final ClassVar Annotated NamedTuple TypedDict TypeVar Generic "
    "Protocol NewType Text Hashable Sized Collection Deque DefaultDict Counter OrderedDict AnyStr NoReturn Required "
    "NotRequired Self Never TypeAlias SupportsInt SupportsFloat cast TYPE_CHECKING",
    unicodedata: "normalize is_normalized category name lookup bidirectional combining decimal digit numeric "
    "east_asian_width mirrored decomposition unidata_version",
    uuid: "UUID uuid3 uuid5 NAMESPACE_DNS NAMESPACE_URL NAMESPACE_OID NAMESPACE_X500",
}  # fmt: skip
"""Names that are handed out as they are. They keep no state that one call could leave for another."""


class Facade:
    """A module as tools see it."""

    def __new__(cls, title: str, members: Mapping[str, Any]) -> Facade:
        """A new facade; nothing fills one that exists, as a second call of `__init__` would."""
        facade = super().__new__(cls)
        vars(facade).update(members, _title=title)
        return facade

    def __getattr__(self, name: str) -> NoReturn:
        title = vars(self).get("_title")
        raise AttributeError(f"module {title!r} has no attribute {name!r} in the tool dialect")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("modules are read-only in the tool dialect")

    __delattr__ = __setattr__  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<module {vars(self)['_title']!r}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("cannot pickle 'module' object")


def make_facades(meter: Meter, bounded: Bounded, clock: Clock, dice: Dice) -> dict[str, Facade]:
    """The facades of one runtime, by the name to import."""
    special: dict[ModuleType, dict[str, Any]] = {
        abc: {"abstractmethod": _own_only(abc.abstractmethod)},
        collections: {"namedtuple": _namedtuple},
        csv: {"writer": _writer, "DictWriter": _DictWriter},
        dataclasses: {"dataclass": _dataclass},
        enum: _enums(),
        fractions: {"Fraction": stand_in(fractions.Fraction, bounded.fraction)},
        functools: {"total_ordering": _own_only(functools.total_ordering), "wraps": _wraps,
            "singledispatch": _singledispatch},
        heapq: {name: _own_heap(getattr(heapq, name)) for name in _HEAP.split()},
        itertools: {name: _metered(getattr(itertools, name), meter) for name in _ENDLESS.split()},
        math: {
            "prod": bounded.product,
            **{name: bounded.counted(getattr(math, name), MAX_FACTORIAL) for name in ("factorial", "comb", "perm")},
        },
        operator: {
            "mul": bounded.multiply, "pow": bounded.power, "lshift": bounded.shift, "rshift": operator.rshift,
        },
        random: {**{name: getattr(dice, name) for name in _DICE.split()}, "Random": dice.generator()},
        string: {"Template": _Template},
        time: _time(clock),
        typing: dict.fromkeys(("final", "overload", "runtime_checkable"), _identity),
        uuid: {"uuid4": lambda: uuid.UUID(int=dice.getrandbits(128), version=4)},
    }  # fmt: skip
    found = {}
    for module, names in SHARED.items():
        members = {name: getattr(module, name) for name in names.split() if hasattr(module, name)}
        found[module.__name__] = Facade(module.__name__, {**members, **special.get(module, {})})
    vars(found["collections"])["abc"] = found["collections.abc"]
    return found


_DICE = (
    "random seed getstate setstate getrandbits randbytes randint randrange uniform triangular choice choices sample "
    "shuffle gauss normalvariate lognormvariate expovariate gammavariate betavariate paretovariate weibullvariate "
    "vonmisesvariate"
)
_ENDLESS = "count cycle repeat product permutations combinations combinations_with_replacement"
_HEAP = "heappush heappop heapify heapreplace heappushpop"


def _metered(function: Callable[..., Any], meter: Meter) -> Callable[..., Iterator[Any]]:
    """An iterator that C code could follow for ever: each item costs a step."""
    return lambda *args, **kwargs: meter.metered(function(*args, **kwargs))


def _identity(it: Any) -> Any:
    return it


def _own_only(decorator: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A decorator that changes its argument, which must therefore be the tool's own."""

    def decorate(it: Any) -> Any:
        if getattr(it, "__module__", None) != MODULE_NAME:
            raise TypeError("only the tool's own functions and classes can be decorated")
        return decorator(it)

    return decorate


def _dataclass(cls: Any = None, /, **options: Any) -> Any:
    def decorate(it: Any) -> Any:
        if plain := vars(it).get("__repr__") is plain_repr:
            del it.__repr__
        made: Any = dataclasses.dataclass(**options)(it)
        if plain and made.__repr__ is object.__repr__:
            made.__repr__ = plain_repr
        return made

    return _own_only(decorate) if cls is None else _own_only(decorate)(cls)


def _namedtuple(typename: str, field_names: Any, **options: Any) -> Any:
    """Without fields that lead out of the tool as attributes of others do."""
    make: Any = collections.namedtuple
    made = make(typename, field_names, **{**options, "module": MODULE_NAME})
    for name in made._fields:
        if problem := attribute_problem(name):
            raise ValueError(problem)
    return made


class _Scrubbing:
    """A file that is written to without addresses."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, text: str) -> Any:
        return self._file.write(scrubbed(text))


def _writer(file: Any, *args: Any, **options: Any) -> Any:
    return csv.writer(_Scrubbing(file), *args, **options)


class _DictWriter(csv.DictWriter):  # type: ignore[type-arg]  # not generic when it runs
    def __init__(self, f: Any, *args: Any, **options: Any) -> None:
        super().__init__(_Scrubbing(f), *args, **options)


class _Template(string.Template):
    def substitute(self, mapping: Any = MappingProxyType({}), /, **values: Any) -> str:
        return without_addresses(super().substitute(mapping, **values), mapping, *values.values())

    def safe_substitute(self, mapping: Any = MappingProxyType({}), /, **values: Any) -> str:
        return without_addresses(super().safe_substitute(mapping, **values), mapping, *values.values())


_DictWriter.__name__, _Template.__name__ = "DictWriter", "Template"


def _wraps(wrapped: Any) -> Any:
    """Copies name and text only: what else `functools.wraps` copies on demand are globals and code."""

    def rename(it: Any) -> Any:
        for name in ("__name__", "__qualname__", "__doc__"):
            if hasattr(wrapped, name):
                setattr(it, name, getattr(wrapped, name))
        return it

    return _own_only(rename)


def _singledispatch(function: Any) -> Any:
    """Without Python's reading of annotations, which runs those that are text."""
    dispatcher: Any = functools.singledispatch(function)
    register = dispatcher.register

    def checked(cls: Any, func: Any = None) -> Any:
        if not isinstance(cls, (type, UnionType)):
            raise TypeError("register(cls) needs the class itself: annotations are not evaluated in the tool dialect")
        return register(cls, func) if func is not None else lambda later: register(cls, later)

    dispatcher.register = checked
    return dispatcher


def _own_heap(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of `heapq`; in C they change a frozen list without asking it."""

    def checked(heap: Any, *args: Any) -> Any:
        if isinstance(heap, FrozenList):
            raise TypeError("a table is read-only; list(it) gives a copy that may be changed")
        return function(heap, *args)

    return checked


class _EnumKind(enum.EnumMeta):
    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if not cls.__members__:  # Enum("Name", {...}) could define any special method
            raise TypeError("enumerations are made by class statements in the tool dialect")
        return super().__call__(*args, **kwargs)


def _enums() -> dict[str, Any]:
    bases = (enum.Enum, enum.IntEnum, enum.StrEnum, enum.Flag, enum.IntFlag)
    return {
        base.__name__: _EnumKind(base.__name__, (base,), _EnumKind.__prepare__(base.__name__, (base,)))
        for base in bases
    }


def _time(clock: Clock) -> dict[str, Any]:
    return {
        "time": clock.time, "time_ns": clock.time_ns, "sleep": clock.sleep,
        "monotonic": clock.elapsed, "perf_counter": clock.elapsed, "process_time": clock.elapsed,
        "monotonic_ns": clock.elapsed_ns, "perf_counter_ns": clock.elapsed_ns,
        "strptime": parse_time, "gmtime": clock.gmtime, "localtime": clock.gmtime, "mktime": clock.mktime,
        "strftime": clock.strftime, "asctime": clock.asctime, "ctime": clock.ctime,
        "timezone": 0, "altzone": 0, "daylight": 0, "tzname": ("UTC", "UTC"),
    }  # fmt: skip
