"""The bundled weights as a sentence-transformers folder, for other tools and for measuring."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

import numpy as np

from kb.embedding.unigram import SPACE
from kb.embedding.weights import Floats, Weights, bundled_file

_LONGEST = 512
_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
_LAYER = {
    "attention.self.query": "q",
    "attention.self.key": "k",
    "attention.self.value": "v",
    "attention.output.dense": "ao",
    "attention.output.LayerNorm": "aln",
    "intermediate.dense": "fi",
    "output.dense": "fo",
    "output.LayerNorm": "oln",
}


def write_sentence_transformers_folder(path: Path) -> None:
    """Write the bundled model to a folder that ``SentenceTransformer(folder)`` opens.

    The weights are float32, 470 MB. Prompts, pooling and normalisation are set, so
    ``encode_query`` and ``encode_document`` give what the bundled embedder gives, at the full
    accuracy of the four-bit weights.
    """
    weights = Weights(bundled_file())
    path.mkdir(parents=True, exist_ok=True)
    for name, content in _settings(weights).items():
        file = path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    _write_tokenizer(weights, path / "tokenizer.json")
    _write_tensors(weights, path / "model.safetensors")


def _settings(weights: Weights) -> Mapping[str, object]:
    kind = "sentence_transformers.models"
    return {
        "config.json": {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_size": weights.dimension,
            "num_hidden_layers": weights.layers,
            "num_attention_heads": weights.heads,
            "intermediate_size": weights.feed_forward,
            "hidden_act": "gelu",
            "vocab_size": weights.vocabulary_size,
            "max_position_embeddings": weights.positions,
            "type_vocab_size": weights.token_types,
            "layer_norm_eps": 1e-12,
            "pad_token_id": weights.padding,
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": _LONGEST,
            "bos_token": "<s>",
            "cls_token": "<s>",
            "eos_token": "</s>",
            "sep_token": "</s>",
            "pad_token": "<pad>",
            "unk_token": "<unk>",
            "mask_token": "<mask>",
        },
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": f"{kind}.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": f"{kind}.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": f"{kind}.Normalize"},
        ],
        "sentence_bert_config.json": {"max_seq_length": _LONGEST, "do_lower_case": False},
        "1_Pooling/config.json": {
            "word_embedding_dimension": weights.dimension,
            "pooling_mode_mean_tokens": True,
        },
        "2_Normalize/config.json": {},
        "config_sentence_transformers.json": {
            "prompts": {"query": "query: ", "document": "passage: "},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
    }


def _write_tokenizer(weights: Weights, path: Path) -> None:
    from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
    from tokenizers.models import Unigram

    vocabulary = list(zip(weights.pieces(), weights.scores(), strict=True))
    tokenizer = Tokenizer(Unigram(vocabulary, unk_id=weights.unknown, byte_fallback=False))
    # Character by character the same as the map beside the vocabulary, but for two characters
    # (the full-width tilde and a squared ideograph).
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Nmt(),
            normalizers.NFKC(),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE)
    tokenizer.decoder = decoders.Metaspace(replacement=SPACE)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", weights.begin), ("</s>", weights.end)],
    )
    tokenizer.add_special_tokens(list(_SPECIAL))
    tokenizer.save(str(path))


def _write_tensors(weights: Weights, path: Path) -> None:
    """Write a safetensors file: the length of a JSON head, the head, the tensors end to end."""
    head: dict[str, object] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, shape in _shapes(weights).items():
        size = 4 * int(np.prod(shape))
        head[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)  # the tensors begin at a multiple of eight
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for part in _tensors(weights):
            file.write(part.astype("<f4", copy=False).tobytes())


def _shapes(weights: Weights) -> dict[str, list[int]]:
    """Return the name and shape of each tensor in the order of ``_tensors``."""
    wide = {"fi": (weights.feed_forward, weights.dimension)}
    wide["fo"] = (weights.dimension, weights.feed_forward)
    shapes = {
        "embeddings.word_embeddings.weight": [weights.vocabulary_size, weights.dimension],
        "embeddings.position_embeddings.weight": [weights.positions, weights.dimension],
        "embeddings.token_type_embeddings.weight": [weights.token_types, weights.dimension],
        "embeddings.LayerNorm.weight": [weights.dimension],
        "embeddings.LayerNorm.bias": [weights.dimension],
    }
    for layer in range(weights.layers):
        for part, name in _LAYER.items():
            outputs, inputs = wide.get(name, (weights.dimension, weights.dimension))
            one = name.endswith("ln")
            shapes[f"encoder.layer.{layer}.{part}.weight"] = [outputs] if one else [outputs, inputs]
            shapes[f"encoder.layer.{layer}.{part}.bias"] = [outputs]
    # BertModel has it and would fill it with chance; the mean over the tokens doesn't use it.
    shapes["pooler.dense.weight"] = [weights.dimension, weights.dimension]
    shapes["pooler.dense.bias"] = [weights.dimension]
    return shapes


def _tensors(weights: Weights) -> Iterator[Floats]:
    ids = iter(range(weights.vocabulary_size))
    # A part at a time: the whole matrix is 384 MB.
    while part := list(islice(ids, 10_000)):
        yield weights.words(np.array(part))
    for name in ("emb.pos", "emb.type", "emb.ln.w", "emb.ln.b"):
        yield weights.vector(name)
    for layer in range(weights.layers):
        for name in _LAYER.values():
            whole = f"l{layer}.{name}.w"
            yield weights.vector(whole) if name.endswith("ln") else weights.matrix(whole)
            yield weights.vector(f"l{layer}.{name}.b")
    yield np.zeros(weights.dimension * (weights.dimension + 1), np.float32)
