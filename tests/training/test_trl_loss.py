"""The loss against TRL's own code, where both define the same thing: clip, dual clip, divergence, means of means."""

from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("trl")
pytest.importorskip("datasets")
from tool_gym.training.losses import Weights, loss  # noqa: E402


def trl_loss(logp, old, reference, advantages, mask, weights):
    """`GRPOTrainer._compute_loss` of TRL, its model and its bookkeeping replaced; its `delta` is the dual clip."""
    from trl import GRPOTrainer

    stub = MagicMock()
    stub._get_per_token_logps_and_entropies.return_value = (logp, torch.zeros_like(logp), None)
    for name, value in {
        "aux_loss_enabled": False, "top_entropy_quantile": 1.0, "off_policy_mask_threshold": None,
        "importance_sampling_level": "token", "beta": weights.kl, "loss_type": "grpo", "use_vllm": False,
        "epsilon_low": weights.clip, "epsilon_high": weights.clip, "_entropy_bonus_enabled": False,
        "current_gradient_accumulation_steps": 1,
    }.items():  # fmt: skip
        setattr(stub, name, value)
    stub.args = SimpleNamespace(delta=weights.dual_clip, use_bias_correction_kl=False)
    stub.model.training = True
    stub.accelerator.gather.side_effect = lambda value: value
    ids = torch.zeros(logp.shape, dtype=torch.long)
    inputs = {
        "prompt_ids": ids, "prompt_mask": ids + 1, "completion_ids": ids, "completion_mask": mask.long(),
        "advantages": advantages, "old_per_token_logps": old, "ref_per_token_logps": reference,
    }  # fmt: skip
    return GRPOTrainer._compute_loss(stub, None, inputs)


@pytest.mark.parametrize("seed", range(5))
def test_the_loss_and_its_gradient_are_those_of_trl(seed):
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    logp, old, reference = -2 * draw(6, 9), -2 * draw(6, 9), -2 * draw(6, 9)
    advantages, mask = 4 * draw(6) - 2, draw(6, 9) > 0.3
    mask[:, 0] = True
    weights = Weights(clip=0.2, dual_clip=3.0, kl=0.4, entropy=0.0)
    ends = []
    for theirs in (True, False):
        leaf = logp.clone().requires_grad_()
        if theirs:
            total = trl_loss(leaf, old, reference, advantages, mask, weights)
        else:
            total = loss(leaf, old, advantages, mask, reference=reference, weights=weights).total
        total.backward()
        ends.append((total.item(), leaf.grad))
    assert ends[0][0] == pytest.approx(ends[1][0], rel=1e-9)
    assert torch.allclose(ends[0][1], ends[1][1], rtol=1e-9, atol=1e-12)
