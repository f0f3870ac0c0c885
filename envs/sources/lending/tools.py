"""The lending house of Harrow Lane, which lends drills, tents and sewing machines to its members.

What is on the shelves and who is a member stands in tables; what happens is kept in the episode's state:

    loans   item -> {member, due, back}; `back` is the day of return, "" while the thing is out
    queues  item -> names of those who wait for it, first come first
    owed    member -> crowns that the member owes the house
"""

from datetime import date, timedelta
from typing import Literal

from tool_gym.authoring import DATA, STATE

_MOST_DAYS = {"basic": 10, "full": 21}
_SHARE = {"basic": 1.0, "full": 0.75}
_LATE_FACTOR = 1.5


def _day(text):
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"a day is written YYYY-MM-DD, got {text!r}") from None


def _item(item):
    for row in DATA["items"]:
        if row["item"] == item:
            return row
    raise ValueError(f"nothing has the number {item!r}; find_items lists the numbers")


def _member(name):
    for row in DATA["members"]:
        if row["name"].casefold() == name.strip().casefold():
            return row
    raise ValueError(f"no member is called {name!r}; write first and last name")


def _out(item):
    loan = STATE["loans"].get(item)
    return loan if loan and not loan["back"] else None


def _charge(member, amount):
    STATE["owed"][member] = round(STATE["owed"].get(member, 0) + amount, 2)
    return STATE["owed"][member]


def find_items(kind: Literal["drill", "saw", "ladder", "sander", "tent", "sewing machine"]) -> dict:
    """List all things of a kind with their numbers, daily fees, and whether they are in.

    Args:
        kind: Kind of thing.
    """
    rows = [row for row in DATA["items"] if row["kind"] == kind]
    found = [
        {"item": row["item"], "model": row["model"], "daily_fee": row["daily_fee"], "in": _out(row["item"]) is None}
        for row in rows
    ]
    return {"kind": kind, "items": found}


def item_record(item: str) -> dict:
    """Look up one thing by its number: its model and fee, who has it, until when, and who waits for it.

    Args:
        item: Number of the thing, such as "K-114".
    """
    row, loan = _item(item), _out(item)
    return {
        **row,
        "lent_to": loan["member"] if loan else None,
        "due": loan["due"] if loan else None,
        "waiting": list(STATE["queues"].get(item, [])),
    }


def member_account(member: str) -> dict:
    """Look up a member: membership, what the member has out and until when, and what the member owes.

    Args:
        member: First and last name.
    """
    row = _member(member)
    loans = [
        {"item": item, "model": _item(item)["model"], "due": loan["due"]}
        for item, loan in sorted(STATE["loans"].items())
        if loan["member"] == row["name"] and not loan["back"]
    ]
    return {
        "member": row["name"],
        "membership": row["membership"],
        "longest_loan_days": _MOST_DAYS[row["membership"]],
        "loans": loans,
        "owed": STATE["owed"].get(row["name"], 0),
    }


def lend(item: str, member: str, start: str, days: int) -> dict:
    """Lend a thing that is in to a member; the fee is put on the member's account.

    Refused while others wait for the thing, unless the member is first in the queue. Full members pay three quarters.

    Args:
        item: Number of the thing.
        member: First and last name.
        start: First day, YYYY-MM-DD.
        days: Length of the loan in days, 1 to 10, for full members to 21.
    """
    row, who = _item(item), _member(member)
    if _out(item):
        raise ValueError(f"{item} is out; reserve puts a member into its queue")
    most = _MOST_DAYS[who["membership"]]
    if not 1 <= days <= most:
        raise ValueError(f"{who['name']} may have a thing for 1 to {most} days, not {days}")
    queue = STATE["queues"].get(item, [])
    if queue and queue[0] != who["name"]:
        raise ValueError(f"others wait for {item}; item_record tells who is first")
    if queue:
        queue.pop(0)
    due = (_day(start) + timedelta(days=days)).isoformat()
    fee = round(row["daily_fee"] * days * _SHARE[who["membership"]], 2)
    STATE["loans"][item] = {"member": who["name"], "due": due, "back": ""}
    return {"item": item, "due": due, "fee": fee, "owed": _charge(who["name"], fee)}


def give_back(item: str, day: str) -> dict:
    """Take a thing back; a late return costs one and a half daily fees for each day, put on the member's account.

    Args:
        item: Number of the thing.
        day: Day of return, YYYY-MM-DD.
    """
    row, loan = _item(item), _out(item)
    if not loan:
        raise ValueError(f"{item} is not out")
    late = max((_day(day) - _day(loan["due"])).days, 0)
    fee = round(late * row["daily_fee"] * _LATE_FACTOR, 2)
    loan["back"] = day
    waiting = STATE["queues"].get(item, [])
    return {
        "item": item,
        "late_days": late,
        "late_fee": fee,
        "owed": _charge(loan["member"], fee),
        "next_in_queue": waiting[0] if waiting else None,
    }


def extend(item: str, days: int) -> dict:
    """Put off the day on which a thing is due. Refused while others wait for it, or the member owes anything.

    Args:
        item: Number of the thing.
        days: By how many days, 1 to 7.
    """
    _item(item)
    loan = _out(item)
    if not loan:
        raise ValueError(f"{item} is not out")
    if not 1 <= days <= 7:
        raise ValueError(f"a loan is extended by 1 to 7 days, not {days}")
    if STATE["queues"].get(item):
        raise ValueError(f"others wait for {item}, so its loan cannot be extended")
    if STATE["owed"].get(loan["member"], 0) > 0:
        raise ValueError(f"{loan['member']} owes money; it has to be paid before anything is extended")
    loan["due"] = (_day(loan["due"]) + timedelta(days=days)).isoformat()
    return {"item": item, "due": loan["due"]}


def reserve(item: str, member: str) -> dict:
    """Put a member at the end of the queue for a thing that is out.

    Args:
        item: Number of the thing.
        member: First and last name.
    """
    _item(item)
    who, loan = _member(member), _out(item)
    if not loan:
        raise ValueError(f"{item} is in; it can be lent at once")
    queue = STATE["queues"].setdefault(item, [])
    if who["name"] in queue or who["name"] == loan["member"]:
        raise ValueError(f"{who['name']} has {item} already, or waits for it")
    queue.append(who["name"])
    return {"item": item, "position": len(queue), "free_from": loan["due"]}


def pay(member: str, amount: float) -> dict:
    """Take a payment towards what a member owes.

    Args:
        member: First and last name.
        amount: Crowns, more than 0 and at most what is owed.
    """
    who = _member(member)
    owed = STATE["owed"].get(who["name"], 0)
    if not 0 < amount <= owed:
        raise ValueError(f"{who['name']} owes {owed} crowns; a payment is more than 0 and at most that")
    return {"member": who["name"], "owed_before": owed, "paid": amount, "owed": _charge(who["name"], -amount)}
