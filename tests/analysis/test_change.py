"""How far weights moved: against the plain formulas, over files of every layout."""

import json

import pytest

torch = pytest.importorskip("torch")
from safetensors.torch import save_file  # noqa: E402

from tool_gym.analysis.ablation import parts, restored  # noqa: E402
from tool_gym.analysis.change import Place, by_place, compare, place, total  # noqa: E402
from tool_gym.analysis.plot import plot_changes  # noqa: E402
from tool_gym.errors import InputError  # noqa: E402


def weights(seed: int, layers: int = 3) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    made = {"model.embed_tokens.weight": torch.randn(2500, 4, generator=generator)}
    for layer in range(layers):
        for name, shape in (("self_attn.q_proj", (4, 4)), ("mlp.up_proj", (8, 4)), ("input_layernorm", (4,))):
            made[f"model.layers.{layer}.{name}.weight"] = torch.randn(shape, generator=generator)
    return made


@pytest.fixture
def base(tmp_path):
    (tmp_path / "base").mkdir()
    save_file(weights(0), tmp_path / "base" / "model.safetensors")
    return tmp_path / "base"


def saved(folder, tensors):
    folder.mkdir()
    save_file(tensors, folder / "model.safetensors")
    return folder


def test_a_model_has_not_moved_from_itself(base):
    assert all(change.relative == change.changed_share == 0.0 for change in compare(base, base).values())


def test_the_relative_change_is_that_of_the_plain_formula(base, tmp_path):
    before, after = weights(0), weights(1)
    changes = compare(base, saved(tmp_path / "trained", after))
    assert changes.keys() == before.keys()
    for name, change in changes.items():
        expected = torch.linalg.norm(after[name] - before[name]) / torch.linalg.norm(before[name])
        assert change.relative == pytest.approx(float(expected), rel=1e-5)
        assert change.largest == pytest.approx(float((after[name] - before[name]).abs().max()))
        assert change.elements == before[name].numel()


def test_the_change_of_a_place_is_that_of_its_tensors_laid_end_to_end(base, tmp_path):
    before, after = weights(0), weights(1)
    del after["model.layers.0.self_attn.q_proj.weight"]
    after["model.layers.0.self_attn.q_proj.weight"] = before["model.layers.0.self_attn.q_proj.weight"].clone()
    places = by_place(compare(base, saved(tmp_path / "trained", after)))
    assert places[Place(0, "attention")].relative == 0.0
    assert places[Place(None, "embedding")].relative > 0
    whole = total(places.values())
    flat = [torch.cat([each[name].flatten() for name in before]) for each in (before, after)]
    expected = torch.linalg.norm(flat[1] - flat[0]) / torch.linalg.norm(flat[0])
    assert whole.relative == pytest.approx(float(expected), rel=1e-5)


def test_the_share_counts_elements_that_differ_at_all(base, tmp_path):
    after = weights(0)
    after["model.layers.1.mlp.up_proj.weight"][0, 0] += 1e-3
    change = compare(base, saved(tmp_path / "trained", after))["model.layers.1.mlp.up_proj.weight"]
    assert change.changed == 1
    assert change.changed_share == 1 / 32


def test_shards_with_an_index_compare_like_one_file(base, tmp_path):
    after = weights(1)
    whole = compare(base, saved(tmp_path / "whole", after))
    folder = tmp_path / "shards"
    folder.mkdir()
    names = list(after)
    halves = {"a.safetensors": names[:5], "b.safetensors": names[5:]}
    for file, part in halves.items():
        save_file({name: after[name] for name in part}, folder / file)
    index = {"weight_map": {name: file for file, part in halves.items() for name in part}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert compare(base, folder) == whole


@pytest.mark.parametrize(("rslora", "scale"), [(False, 2.0), (True, 4 / 2**0.5)])
def test_an_adapter_compares_like_the_model_that_it_spells(base, tmp_path, rslora, scale):
    name = "model.layers.2.mlp.up_proj.weight"
    down, up = torch.randn(2, 4), torch.randn(8, 2)
    merged = weights(0)
    merged[name] = merged[name] + scale * up @ down
    folder = tmp_path / "adapter"
    folder.mkdir()
    stem = f"base_model.model.{name.removesuffix('.weight')}.lora_%s.weight"
    save_file({stem % "A": down, stem % "B": up}, folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "use_rslora": rslora, "bias": "none"}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    found, expected = compare(base, folder), compare(base, saved(tmp_path / "merged", merged))
    assert found[name].relative == pytest.approx(expected[name].relative, rel=1e-5)
    assert total(found.values()).changed == total(expected.values()).changed


def test_an_output_matrix_tied_to_the_embedding_may_stand_in_one_file_only(base, tmp_path):
    after = weights(0)
    after["lm_head.weight"] = after["model.embed_tokens.weight"].clone()
    assert "lm_head.weight" not in compare(base, saved(tmp_path / "trained", after))


def test_models_that_are_not_the_same_are_refused_with_the_tensor(base, tmp_path):
    with pytest.raises(InputError, match=r"layers\.3.*one of them only|one of them only.*layers\.3"):
        compare(base, saved(tmp_path / "deeper", weights(0, layers=4)))
    wider = weights(0)
    wider["model.layers.0.mlp.up_proj.weight"] = torch.zeros(9, 4)
    with pytest.raises(InputError, match=r"shape \(8, 4\)"):
        compare(base, saved(tmp_path / "wider", wider))


@pytest.mark.parametrize("content", [None, b"", b"\xff" * 64])
def test_what_is_no_checkpoint_is_refused(tmp_path, content):
    folder = tmp_path / "odd"
    folder.mkdir()
    if content is not None:
        (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(InputError, match="odd"):
        compare(folder, folder)


def test_an_index_cannot_name_files_elsewhere(base, tmp_path):
    folder = tmp_path / "shards"
    folder.mkdir()
    index = {"weight_map": {"x": "../base/model.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(InputError, match="not beside it"):
        compare(folder, base)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("model.layers.11.self_attn.q_proj.weight", Place(11, "attention")),
        ("model.layers.0.post_attention_layernorm.weight", Place(0, "norm")),
        ("transformer.h.3.mlp.c_fc.weight", Place(3, "mlp")),
        ("transformer.h.3.ln_1.weight", Place(3, "norm")),
        ("gpt_neox.layers.5.attention.dense.weight", Place(5, "attention")),
        ("model.layers.7.block_sparse_moe.experts.0.w1.weight", Place(7, "mlp")),
        ("model.embed_tokens.weight", Place(None, "embedding")),
        ("lm_head.weight", Place(None, "head")),
        ("model.norm.weight", Place(None, "norm")),
    ],
)
def test_a_tensor_stands_where_its_family_says(name, expected):
    assert place(name) == expected


class Tiny(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(torch.nn.ModuleDict({"mlp": torch.nn.Linear(2, 2)}) for _ in range(3))


def test_a_part_is_restored_for_a_while_and_then_trained_again(tmp_path):
    base, trained = Tiny(), Tiny()
    save_file(base.state_dict(), tmp_path / "model.safetensors")
    before = {name: tensor.clone() for name, tensor in trained.state_dict().items()}
    lower = parts(3)[0]
    with restored(trained, tmp_path, lower) as count:
        assert count == 2
        assert torch.equal(trained.layers[0]["mlp"].weight, base.layers[0]["mlp"].weight)
        assert torch.equal(trained.layers[1]["mlp"].weight, before["layers.1.mlp.weight"])
    assert all(torch.equal(tensor, before[name]) for name, tensor in trained.state_dict().items())


def test_the_thirds_of_a_network_are_all_of_it():
    thirds = [part for part in parts(30) if part.modules is None]
    assert [list(part.layers) for part in thirds] == [list(range(i, i + 10)) for i in (0, 10, 20)]
    assert len(parts(30)) == 9


def test_the_picture_of_a_change_is_a_picture(base, tmp_path):
    pytest.importorskip("matplotlib")
    plot_changes(by_place(compare(base, saved(tmp_path / "trained", weights(1)))), tmp_path / "change.png")
    assert (tmp_path / "change.png").read_bytes().startswith(b"\x89PNG")
