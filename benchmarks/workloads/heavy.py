"""Ten tools of seven parameters, as office work needs them; beside each its answer computed in another way."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from workloads.plays import Kind
from workloads.schemas import Schema, choice, day, flag, integer, integers, parameters

_FREIGHT = '''def freight_cost(weight, distance, service, stops, insured, declared, fragile):
    """Price of a shipment in cents."""
    rates = {"economy": 3, "standard": 5, "express": 9}
    if service not in rates:
        raise ValueError("no such service: " + repr(service))
    blocks = (weight + 4) // 5
    base = blocks * rates[service] * distance // 10
    lines = [{"item": "carriage", "cents": base}]
    if stops:
        lines.append({"item": "stops", "cents": 250 * stops})
    if insured:
        lines.append({"item": "insurance", "cents": max(400, declared // 50)})
    if fragile:
        lines.append({"item": "fragile", "cents": base // 4})
    total = 0
    for line in lines:
        total += line["cents"]
    return {"lines": lines, "total": total, "currency": "cent", "service": service}
'''


def _freight(weight: int, distance: int, service: str, stops: int, insured: bool, declared: int, fragile: bool) -> Any:
    rate = {"economy": 3, "standard": 5, "express": 9}[service]
    base = -(-weight // 5) * rate * distance // 10
    extra = [("stops", 250 * stops, stops > 0), ("insurance", max(400, declared // 50), insured)]
    bill = [("carriage", base, True), *extra, ("fragile", base // 4, fragile)]
    lines = [{"item": item, "cents": cents} for item, cents, due in bill if due]
    return {"lines": lines, "total": sum(line["cents"] for line in lines), "currency": "cent", "service": service}


_LOAN = '''def loan_balance(principal, rate, months, payment, fee, grace, every):
    """What is owed on a loan after some months."""
    balance = principal * 100
    paid = interest = 0
    for month in range(1, months + 1):
        due = balance * rate // 120000
        interest += due
        balance += due
        if month > grace and (month - grace) % every == 0:
            part = min(balance, payment * 100 + fee)
            balance -= part
            paid += part
        if balance <= 0:
            break
    return {"balance": balance, "paid": paid, "interest": interest, "closed": balance <= 0}
'''


def _loan(principal: int, rate: int, months: int, payment: int, fee: int, grace: int, every: int) -> Any:
    owed, paid = [100 * principal], 0
    interest = 0
    while len(owed) <= months and owed[-1] > 0:
        more = owed[-1] * rate // 120_000
        is_due = len(owed) - grace > 0 and not (len(owed) - grace) % every
        part = min(owed[-1] + more, 100 * payment + fee) if is_due else 0
        interest, paid = interest + more, paid + part
        owed.append(owed[-1] + more - part)
    return {"balance": owed[-1], "paid": paid, "interest": interest, "closed": owed[-1] == 0}


_SLOTS = '''def free_slots(opens, closes, length, pause, lunch, lunch_length, wanted):
    """Slots of a day, in minutes after midnight, around a lunch break."""
    slots = []
    start = opens * 60
    end_of_day = closes * 60
    break_start = lunch * 60
    break_end = break_start + lunch_length
    while start + length <= end_of_day and len(slots) < wanted:
        if start < break_end and start + length > break_start:
            start = break_end
            continue
        slots.append(f"{start // 60:02}:{start % 60:02}")
        start = start + length + pause
    return {"slots": slots, "count": len(slots), "last": slots[-1] if slots else "", "full": len(slots) == wanted}
'''


def _slots(opens: int, closes: int, length: int, pause: int, lunch: int, lunch_length: int, wanted: int) -> Any:
    rest = range(lunch * 60, lunch * 60 + lunch_length)
    slots: list[str] = []
    minute = opens * 60
    while minute <= closes * 60 - length and wanted > len(slots):
        clash = max(minute, rest.start) < min(minute + length, rest.stop)
        slots += [] if clash else ["{:02d}:{:02d}".format(*divmod(minute, 60))]
        minute = rest.stop if clash else minute + length + pause
    return {"slots": slots, "count": len(slots), "last": (["", *slots])[-1], "full": wanted == len(slots)}


_SERIES = '''import statistics


def summarise(numbers, measure, scale, offset, drop_low, drop_high, digits):
    """One figure from a series."""
    ordered = sorted(numbers)[drop_low:]
    if drop_high:
        ordered = ordered[:-drop_high]
    moved = [scale * number + offset for number in ordered]
    if measure == "mean":
        value = statistics.mean(moved)
    elif measure == "median":
        value = statistics.median(moved)
    elif measure == "spread":
        value = moved[-1] - moved[0]
    else:
        value = sum(moved)
    return {"value": round(value, digits), "used": len(moved), "least": moved[0], "most": moved[-1]}
'''


def _summary(
    numbers: list[int], measure: str, scale: int, offset: int, drop_low: int, drop_high: int, digits: int
) -> Any:
    kept = sorted(numbers)[drop_low : len(numbers) - drop_high]
    least, most = scale * kept[0] + offset, scale * kept[-1] + offset
    mean = Fraction(sum(kept) * scale, len(kept)) + offset
    value: Any = {
        "mean": float(mean) if mean.denominator > 1 else int(mean),
        "median": statistics.median(kept) * scale + offset,
        "spread": most - least,
        "sum": sum(kept) * scale + offset * len(kept),
    }[measure]
    return {"value": round(value, digits), "used": len(kept), "least": least, "most": most}


_CIPHER = '''def encipher(message, shift, step, decipher, skip, group, separator):
    """Shifts letters by a growing number of places."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    out = []
    amount = shift
    for place, letter in enumerate(message):
        position = letters.find(letter)
        if position < 0 or (skip and place % skip == 0):
            out.append(letter)
            continue
        moved = position - amount if decipher else position + amount
        out.append(letters[moved % 26])
        amount += step
    text = "".join(out)
    parts = [text[start:start + group] for start in range(0, len(text), group)]
    mark = {"dash": "-", "dot": ".", "slash": "/"}[separator]
    return {"text": mark.join(parts), "groups": len(parts), "last_shift": amount % 26}
'''


def _cipher(message: str, shift: int, step: int, decipher: bool, skip: int, group: int, separator: str) -> Any:
    text, moved = "", 0
    for place, letter in enumerate(message):
        keeps = not letter.isalpha() or (skip > 0 and not place % skip)
        places = (shift + moved * step) * (-1 if decipher else 1)
        text += letter if keeps else chr((ord(letter) - 97 + places) % 26 + 97)
        moved += not keeps
    parts = [text[i * group : (i + 1) * group] for i in range(-(-len(text) // group))]
    mark = "-./"[("dash", "dot", "slash").index(separator)]
    return {"text": mark.join(parts), "groups": len(parts), "last_shift": (shift + moved * step) % 26}


_BOX = '''def packing_plan(length, width, height, item, gap, fill, layers):
    """How many cubes fit a box."""
    counts = []
    for side in (length, width, height):
        count = 0
        used = 0
        while used + item <= side:
            count += 1
            used += item + gap
        counts.append(count)
    counts[2] = min(counts[2], layers)
    fits = counts[0] * counts[1] * counts[2]
    allowed = fits * fill // 100
    volume = length * width * height
    share = 1000 * allowed * item ** 3 // volume
    return {"per_side": counts, "fits": fits, "allowed": allowed, "volume": volume, "used_permille": share}
'''


def _packing(length: int, width: int, height: int, item: int, gap: int, fill: int, layers: int) -> Any:
    across, along, up = (max(0, (side + gap) // (item + gap)) for side in (length, width, height))
    up = min(up, layers)
    fits = across * along * up
    allowed, volume = int(Fraction(fits * fill, 100)), length * width * height
    share = int(Fraction(allowed * item**3, volume) * 1000)
    return {
        "per_side": [across, along, up], "fits": fits, "allowed": allowed, "volume": volume, "used_permille": share,
    }  # fmt: skip


_DEADLINE = '''from datetime import date, timedelta


def deadline(start, days, count_first, saturday_works, holiday, weeks_off, urgent):
    """The working day on which a task must be done."""
    year, month, day = (int(part) for part in start.split("-"))
    current = date(year, month, day)
    left = days // 2 if urgent else days
    closed = date.fromisoformat(holiday)
    off_until = current + timedelta(weeks=weeks_off)
    skipped = 0
    current = off_until
    if count_first:
        current -= timedelta(days=1)
    while left > 0:
        current += timedelta(days=1)
        weekday = current.weekday()
        if weekday == 6 or (weekday == 5 and not saturday_works) or current == closed:
            skipped += 1
            continue
        left -= 1
    return {"date": current.isoformat(), "skipped": skipped, "starts": off_until.isoformat()}
'''


def _deadline(
    start: str, days: int, count_first: bool, saturday_works: bool, holiday: str, weeks_off: int, urgent: bool
) -> Any:
    begin = date.fromisoformat(start) + timedelta(days=7 * weeks_off)
    first = begin if count_first else begin + timedelta(days=1)
    needed = days // 2 if urgent else days
    span = [first + timedelta(days=i) for i in range(3 * days + 10)]
    worked = [d for d in span if d.isoweekday() < (7 if saturday_works else 6) and str(d) != holiday][:needed]
    end = worked[-1] if worked else first - timedelta(days=1)
    return {"date": str(end), "skipped": (end - first).days + 1 - needed, "starts": str(begin)}


_STOCK = '''def stock_level(item, opening, deliveries, sold_per_day, days, reorder_at, batch):
    """Plays a shop's stock forward, with reorders that arrive three days later."""
    stock = opening
    arriving = {}
    ordered = missed = 0
    for day in range(days):
        stock += arriving.pop(day, 0)
        if day < len(deliveries):
            stock += deliveries[day]
        sold = min(stock, sold_per_day)
        missed += sold_per_day - sold
        stock -= sold
        if stock <= reorder_at and not arriving:
            arriving[day + 3] = batch
            ordered += 1
    return {"item": item, "stock": stock, "orders": ordered, "missed": missed, "on_the_way": sum(arriving.values())}
'''


def _stock(
    item: str, opening: int, deliveries: list[int], sold_per_day: int, days: int, reorder_at: int, batch: int
) -> Any:
    stock, orders, missed = opening, 0, 0
    due: int | None = None
    for day_number, delivered in enumerate((deliveries + [0] * days)[:days]):
        stock += delivered
        if due == day_number:
            stock, due = stock + batch, None
        stock, missed = max(0, stock - sold_per_day), missed + max(0, sold_per_day - stock)
        if due is None and stock <= reorder_at:
            due, orders = day_number + 3, orders + 1
    return {
        "item": item, "stock": stock, "orders": orders, "missed": missed, "on_the_way": batch if due is not None else 0,
    }  # fmt: skip


_ROUTE = '''def bus_ride(line, board, leave, hour, minute, tickets, ticket):
    """Arrival and fare of a ride."""
    lines = {
        "A": [("Harbour", 0), ("Market", 4), ("Mill", 9), ("Station", 13), ("Hospital", 19), ("Airport", 31)],
        "B": [("Zoo", 0), ("Station", 6), ("Market", 11), ("Castle", 18), ("Lake", 25), ("Quarry", 33)],
        "C": [("Castle", 0), ("Hospital", 7), ("Harbour", 15), ("Lake", 22), ("Mill", 30), ("Zoo", 41)],
    }
    every = {"A": 10, "B": 15, "C": 20}
    fares = {"adult": 240, "child": 120, "senior": 170}
    stops = lines[line]
    if leave < board:
        board, leave = leave, board
    first, last = stops[board], stops[leave]
    ready = hour * 60 + minute
    departs = first[1]
    while departs < ready:
        departs += every[line]
    arrives = departs + last[1] - first[1]
    fare = tickets * (fares[ticket] + 15 * (leave - board))
    return {
        "from": first[0],
        "to": last[0],
        "departs": f"{departs // 60 % 24:02}:{departs % 60:02}",
        "arrives": f"{arrives // 60 % 24:02}:{arrives % 60:02}",
        "fare": fare,
    }
'''

_LINES = {
    "A": ("Harbour Market Mill Station Hospital Airport", (0, 4, 9, 13, 19, 31), 10),
    "B": ("Zoo Station Market Castle Lake Quarry", (0, 6, 11, 18, 25, 33), 15),
    "C": ("Castle Hospital Harbour Lake Mill Zoo", (0, 7, 15, 22, 30, 41), 20),
}


def _ride(line: str, board: int, leave: int, hour: int, minute: int, tickets: int, ticket: str) -> Any:
    names, times, every = _LINES[line]
    board, leave = sorted((board, leave))
    departs = times[board] + every * max(0, -(-(60 * hour + minute - times[board]) // every))
    arrives = departs + times[leave] - times[board]
    clock = [f"{(m // 60) % 24:02d}:{m % 60:02d}" for m in (departs, arrives)]
    price = {"adult": 240, "child": 120, "senior": 170}[ticket]
    stops = names.split()
    return {
        "from": stops[board], "to": stops[leave], "departs": clock[0], "arrives": clock[1],
        "fare": tickets * price + tickets * 15 * (leave - board),
    }  # fmt: skip


_GRADES = '''def grade_student(marks, weights, bonus, best_of, scheme, pass_mark, round_up):
    """A grade from marks of 0 to 100."""
    pairs = sorted(zip(marks, weights), key=lambda pair: (-pair[0], pair[1]))[:best_of]
    weight = sum(pair[1] for pair in pairs)
    points = sum(pair[0] * pair[1] for pair in pairs)
    score = -(-points // weight) if round_up else points // weight
    score = min(100, score + bonus)
    if scheme == "letters":
        grade = "F"
        for bound, letter in ((90, "A"), (80, "B"), (70, "C"), (60, "D")):
            if score >= bound:
                grade = letter
                break
    elif scheme == "points":
        grade = str(score * 15 // 100)
    else:
        grade = "pass" if score >= pass_mark else "fail"
    return {"score": score, "grade": grade, "passed": score >= pass_mark, "counted": len(pairs)}
'''


def _grade(
    marks: list[int], weights: list[int], bonus: int, best_of: int, scheme: str, pass_mark: int, round_up: bool
) -> Any:
    order = sorted(range(len(marks)), key=lambda i: (-marks[i], weights[i]))[:best_of]
    mean = Fraction(sum(marks[i] * weights[i] for i in order), sum(weights[i] for i in order))
    score = min(100, bonus + (-int(-mean // 1) if round_up else int(mean // 1)))
    letter = "FFFFFFDCBAA"[score // 10]
    passed = score >= pass_mark
    grade = {"letters": letter, "points": f"{score * 15 // 100}", "words": "pass" if passed else "fail"}[scheme]
    return {"score": score, "grade": grade, "passed": passed, "counted": min(best_of, len(marks))}


def _kind(
    name: str, description: str, source: str, answer: Callable[..., Any], path: str, kind: Any, **properties: Schema
) -> Kind:
    return Kind(name, description, parameters(**properties), source, answer, path, kind)


_WORDS = ("meet me at the old mill", "the parcel left on friday", "bring seven lamps and rope", "no trains run tonight")

KINDS = (
    _kind(
        "freight_cost", "Price of a shipment.", _FREIGHT, _freight, "/total", "number",
        weight=integer(1, 2000, "Weight in kg."),
        distance=integer(5, 3000, "Distance in km."),
        service=choice("How fast.", "economy", "standard", "express"),
        stops=integer(0, 6, "Stops on the way."),
        insured=flag("Whether it is insured."),
        declared=integer(0, 500_000, "Declared value in cents."),
        fragile=flag("Whether it is fragile."),
    ),
    _kind(
        "loan_balance", "What is owed on a loan after some months.", _LOAN, _loan, "/balance", "number",
        principal=integer(500, 90_000, "Amount borrowed."),
        rate=integer(50, 1500, "Yearly interest in hundredths of a percent."),
        months=integer(1, 36, "Months that pass."),
        payment=integer(20, 2000, "Amount of each payment."),
        fee=integer(0, 900, "Cents on top of each payment."),
        grace=integer(0, 12, "Months before the first payment."),
        every=integer(1, 4, "Months between payments."),
    ),
    _kind(
        "free_slots", "Appointments that fit a day.", _SLOTS, _slots, "/slots", "list",
        opens=integer(6, 10, "Hour of opening."),
        closes=integer(14, 21, "Hour of closing."),
        length=integer(10, 90, "Minutes of an appointment."),
        pause=integer(0, 30, "Minutes between two."),
        lunch=integer(11, 13, "Hour of the lunch break."),
        lunch_length=integer(15, 75, "Minutes of the lunch break."),
        wanted=integer(1, 12, "Most appointments."),
    ),
    _kind(
        "summarise", "One figure from a series.", _SERIES, _summary, "/value", "number",
        numbers=integers(-500, 500, 9, "The series."),
        measure=choice("Which figure.", "mean", "median", "spread", "sum"),
        scale=integer(1, 20, "Factor of every number."),
        offset=integer(-50, 50, "Added to every number."),
        drop_low=integer(0, 3, "Lowest numbers to leave out."),
        drop_high=integer(0, 3, "Highest numbers to leave out."),
        digits=integer(0, 4, "Digits after the point."),
    ),
    _kind(
        "encipher", "Shifts the letters of a message.", _CIPHER, _cipher, "/text", "text",
        message=choice("The message, in small letters.", *_WORDS),
        shift=integer(1, 25, "Places to shift the first letter by."),
        step=integer(0, 5, "Places more for each letter."),
        decipher=flag("Whether to shift back."),
        skip=integer(0, 6, "Every so many letters one stays as it is; 0 for none."),
        group=integer(2, 7, "Letters of a group."),
        separator=choice("What stands between groups.", "dash", "dot", "slash"),
    ),
    _kind(
        "packing_plan", "How many cubes fit a box.", _BOX, _packing, "/allowed", "number",
        length=integer(20, 300, "Length of the box in cm."),
        width=integer(20, 300, "Width in cm."),
        height=integer(20, 300, "Height in cm."),
        item=integer(4, 40, "Side of a cube in cm."),
        gap=integer(0, 5, "Space between cubes in cm."),
        fill=integer(50, 100, "Percent of the places that may be used."),
        layers=integer(1, 12, "Most layers."),
    ),
    _kind(
        "deadline", "The working day on which a task must be done.", _DEADLINE, _deadline, "/date", "date",
        start=day("Day on which it is given."),
        days=integer(1, 30, "Working days that it takes."),
        count_first=flag("Whether the first day counts."),
        saturday_works=flag("Whether Saturday is a working day."),
        holiday=day("A day on which nobody works."),
        weeks_off=integer(0, 4, "Weeks before the work begins."),
        urgent=flag("Whether it must be done in half the time."),
    ),
    _kind(
        "stock_level", "Plays a shop's stock forward.", _STOCK, _stock, "/stock", "number",
        item=choice("What is sold.", "rope", "lamp", "boots", "tent", "stove"),
        opening=integer(0, 400, "Stock at the beginning."),
        deliveries=integers(0, 60, 5, "What arrives on the first days."),
        sold_per_day=integer(1, 70, "What customers ask for each day."),
        days=integer(3, 30, "Days to play."),
        reorder_at=integer(0, 80, "Stock at which more is ordered."),
        batch=integer(20, 250, "How much is ordered."),
    ),
    _kind(
        "bus_ride", "Arrival and fare of a ride.", _ROUTE, _ride, "/arrives", "text",
        line=choice("Line of the bus.", "A", "B", "C"),
        board=integer(0, 5, "Stop to board at, 0 is the first."),
        leave=integer(0, 5, "Stop to leave at."),
        hour=integer(5, 22, "Hour from which one is ready."),
        minute=integer(0, 59, "Minute from which one is ready."),
        tickets=integer(1, 5, "How many ride."),
        ticket=choice("Kind of ticket.", "adult", "child", "senior"),
    ),
    _kind(
        "grade_student", "A grade from marks.", _GRADES, _grade, "/score", "number",
        marks=integers(0, 100, 8, "The marks."),
        weights=integers(1, 5, 8, "Their weights."),
        bonus=integer(0, 10, "Points on top."),
        best_of=integer(3, 8, "How many of the best marks count."),
        scheme=choice("How the grade is written.", "letters", "points", "words"),
        pass_mark=integer(40, 70, "Score from which it is passed."),
        round_up=flag("Whether the score is rounded up."),
    ),
)  # fmt: skip
