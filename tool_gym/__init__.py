"""Gymnasium environments in which language models learn to use tools.

`import tool_gym` registers `ToolUse-v0` and every installed pack with Gymnasium. The names below are loaded when they
are first used, so that importing the package stays cheap: neither torch nor transformers nor pydantic is needed for it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tool_gym._version import __version__
from tool_gym.registration import register_installed, register_pack

if TYPE_CHECKING:
    from tool_gym.authoring.build import build_pack
    from tool_gym.candidates.actions import CandidateActions
    from tool_gym.episode import Caps, Episode
    from tool_gym.errors import InputError, PackError, ToolGymError, ToolRejected
    from tool_gym.generation.generate import generate_pack
    from tool_gym.messages import AssistantMessage, ToolCall, ToolMessage
    from tool_gym.packs.importers import import_pack
    from tool_gym.packs.reader import Pack, load_pack
    from tool_gym.packs.remote import fetch_pack
    from tool_gym.packs.writer import write_pack
    from tool_gym.policies.policy import Decision, FunctionPolicy, Policy, Request
    from tool_gym.policies.scripted import OraclePolicy, RandomPolicy
    from tool_gym.rollouts import rollout
    from tool_gym.sandbox.executor import Executor
    from tool_gym.scenario import Expected, Scenario, StateCheck, SubQuestion, Tool, UserTurn
    from tool_gym.trajectory import Trajectory, Transition, read_trajectories, write_trajectories
    from tool_gym.verify.rescoring import rescore
    from tool_gym.wrappers import ParseText

_HOMES = {
    "AssistantMessage": "messages",
    "CandidateActions": "candidates.actions",
    "Caps": "episode",
    "Decision": "policies.policy",
    "Episode": "episode",
    "Executor": "sandbox.executor",
    "Expected": "scenario",
    "FunctionPolicy": "policies.policy",
    "InputError": "errors",
    "OraclePolicy": "policies.scripted",
    "Pack": "packs.reader",
    "PackError": "errors",
    "ParseText": "wrappers",
    "Policy": "policies.policy",
    "RandomPolicy": "policies.scripted",
    "Request": "policies.policy",
    "Scenario": "scenario",
    "StateCheck": "scenario",
    "SubQuestion": "scenario",
    "Tool": "scenario",
    "ToolCall": "messages",
    "ToolGymError": "errors",
    "ToolMessage": "messages",
    "ToolRejected": "errors",
    "Trajectory": "trajectory",
    "Transition": "trajectory",
    "UserTurn": "scenario",
    "build_pack": "authoring.build",
    "fetch_pack": "packs.remote",
    "generate_pack": "generation.generate",
    "import_pack": "packs.importers",
    "load_pack": "packs.reader",
    "read_trajectories": "trajectory",
    "rescore": "verify.rescoring",
    "rollout": "rollouts",
    "write_pack": "packs.writer",
    "write_trajectories": "trajectory",
}

__all__ = [
    "AssistantMessage",
    "CandidateActions",
    "Caps",
    "Decision",
    "Episode",
    "Executor",
    "Expected",
    "FunctionPolicy",
    "InputError",
    "OraclePolicy",
    "Pack",
    "PackError",
    "ParseText",
    "Policy",
    "RandomPolicy",
    "Request",
    "Scenario",
    "StateCheck",
    "SubQuestion",
    "Tool",
    "ToolCall",
    "ToolGymError",
    "ToolMessage",
    "ToolRejected",
    "Trajectory",
    "Transition",
    "UserTurn",
    "__version__",
    "build_pack",
    "fetch_pack",
    "generate_pack",
    "import_pack",
    "load_pack",
    "read_trajectories",
    "register_pack",
    "rescore",
    "rollout",
    "write_pack",
    "write_trajectories",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'tool_gym' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"tool_gym.{home}"), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


register_installed()
