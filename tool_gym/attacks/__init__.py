"""Attacks: ways to earn without solving. A reward ships with them, and a pack has to stand them (`gate.attacks`).

Each is a function of what an agent sees, in `calls` or `replies`; its docstring says what it exploits and which rule
stops it. To add one, write such a function and list it here, and plant a pack on which it pays (`gate.controls`).
"""

from __future__ import annotations

from tool_gym.attacks.calls import (
    dump,
    echo_candidates,
    every_entity,
    malformed_for_ever,
    parallel_shotgun,
    repeat_solved_call,
    spam_tools,
)
from tool_gym.attacks.replies import decline, empty_answer, every_value_seen, wrong_answer
from tool_gym.attacks.view import Attack

ATTACKS: dict[str, Attack] = {
    attack.name: attack
    for attack in (
        Attack("empty_answer", empty_answer),
        Attack("decline", decline, remedy="Make more scenarios that can be answered"),
        Attack("spam_tools", spam_tools),
        Attack("every_entity", every_entity),
        Attack("echo_candidates", echo_candidates),
        Attack("repeat_solved_call", repeat_solved_call),
        Attack("dump", dump),
        Attack("malformed_for_ever", malformed_for_ever),
        Attack("parallel_shotgun", parallel_shotgun),
        Attack("every_value_seen", every_value_seen, given_calls=True),
        Attack("wrong_answer", wrong_answer, given_calls=True),
    )
}
"""All attacks by name."""
