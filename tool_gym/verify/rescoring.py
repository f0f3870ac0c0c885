"""Rescoring: what a saved trajectory would have earned under another reward or matcher, from its values alone."""

from __future__ import annotations

from tool_gym.errors import InputError
from tool_gym.scenario import UNANSWERABLE, Scenario
from tool_gym.trajectory import Gold, Trajectory
from tool_gym.verify.matching import matcher as find_matcher
from tool_gym.verify.rewards import reward as find_reward
from tool_gym.verify.scorer import Scorer


def rescore(
    trajectory: Trajectory, reward: str, *, matcher: str | None = None, scenario: Scenario | None = None
) -> Trajectory:
    """The same trajectory with its rewards and scores computed again; no tool runs.

    Args:
        trajectory: What happened.
        reward: Name of the reward.
        matcher: Name of the matcher; by default the one that the reward implies, else the trajectory's own.
        scenario: Where the gold is taken from; by default the trajectory's own gold.

    Returns:
        The trajectory with `reward`, `matcher`, and each transition's reward and score replaced; `gold` as it was.

    Raises:
        UnknownName: If there is no such reward or matcher.
        InputError: If there is no gold, the scenario is not the one that was played, or a turn's results do not answer
            its calls.
    """
    rule = find_reward(reward)
    match = find_matcher(matcher or rule.matcher or trajectory.matcher)
    gold = _gold(trajectory, scenario)
    if not gold.sub_questions and not gold.state_checks and gold.answer != UNANSWERABLE:
        raise InputError(
            f"trajectory of scenario {trajectory.scenario!r}: its gold has no check; expected at least one"
        )
    scorer = Scorer(gold.sub_questions, gold.state_checks, gold.answer, rule, match, due=gold.due, found=gold.found)
    transitions = []
    for number, transition in enumerate(trajectory.transitions, 1):
        action, results = transition.action, transition.results
        if len(results) != len(action.tool_calls):
            raise InputError(
                f"trajectory of scenario {trajectory.scenario!r}, turn {number}: {len(results)} results for "
                f"{len(action.tool_calls)} calls; expected one each. The file is damaged: record it again"
            )
        last = number == len(trajectory.transitions) and trajectory.termination is not None
        answered = last and trajectory.termination == "answer"
        earned, score = scorer.turn(action, results, last=last, answered=answered, state=gold.final_state)
        transitions.append(transition.model_copy(update={"reward": earned, "score": score}))
    changed = {"reward": rule.name, "matcher": match.name, "transitions": tuple(transitions)}
    return trajectory.model_copy(update=changed)


def _gold(trajectory: Trajectory, scenario: Scenario | None) -> Gold:
    """What the trajectory is judged by; the final state is the trajectory's own in any case."""
    place = f"trajectory of scenario {trajectory.scenario!r}"
    if scenario is None:
        if trajectory.gold is None:
            raise InputError(f"{place}: its gold was taken out; give the scenario (--pack) that it was played on")
        return trajectory.gold
    if scenario.digest != trajectory.scenario_digest:
        raise InputError(
            f"{place} was played on content {trajectory.scenario_digest}, but scenario {scenario.id!r} has content "
            f"{scenario.digest}; give version {trajectory.version} of pack {trajectory.pack!r}"
        )
    if scenario.state_checks and trajectory.gold is None:
        raise InputError(f"{place}: its final state went out with its gold, and the scenario's checks look at it")
    own = trajectory.gold
    return Gold.of(scenario, own.final_state, own.found) if own else Gold.of(scenario)
