"""A transformer of a few thousand random weights and a tokenizer of single bytes, made in a moment, for tests."""

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

PLAIN_TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""It ignores tools, as SmolLM2's does."""
TOOL_TEMPLATE = "{% if tools %}{{ tools | tojson }}{% endif %}{% if enable_thinking %}THINK{% endif %}" + PLAIN_TEMPLATE


def make_tokenizer(template=PLAIN_TEMPLATE):
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    core = Tokenizer(models.BPE({letter: i for i, letter in enumerate(alphabet)}, []))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    return PreTrainedTokenizerFast(tokenizer_object=core, eos_token="<|im_end|>", chat_template=template)


def save_tiny_model(folder, template=PLAIN_TEMPLATE, context=2048, seed=0, layers=2):
    """Writes a model folder that transformers can load, and returns it."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=258, hidden_size=32, intermediate_size=64, num_hidden_layers=layers, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=context, bos_token_id=256, eos_token_id=257,
        initializer_range=0.3,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    make_tokenizer(template).save_pretrained(folder)
    return folder
