"""Where each trained number goes in the tensors the engine insists on; everything else there is zero.

The engine knows the model's family as "Ovis Image": a Qwen3 text encoder, FLUX double blocks and a TAESD
autoencoder, in sizes fixed by its code. The demonstration model trains a small part of each and leaves the
rest at zero, which is why 10 MB become 82 MB. `weights` is everywhere a flat mapping from the names used in
training (studio/demo/training) to arrays of any float type.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from studio.demo.tensor_file import Tensor

Weights = Mapping[str, Tensor]

HEAD = 128
"""Channels of one attention head: the engine's rotary axes, 16 + 56 + 56, force it."""
QUERY_HEADS, KEY_HEADS = 32, 8
"""Heads of the text encoder's attention."""
QUERIES_PER_KEY = QUERY_HEADS // KEY_HEADS
VOCABULARY = 151936
"""Rows of the token table."""

# Training keeps the two halves of a rotated pair 64 channels apart, the engine keeps them side by side.
INTERLEAVED = np.arange(HEAD).reshape(2, HEAD // 2).T.reshape(-1)
# The channels, in training's order, that rotation leaves alone because their axis is always at position 0.
UNROTATED = np.r_[0:8, 64:72]

# The autoencoder's layers by the engine's numbers; "" stands for a convolution itself.
RESIDUAL = (".conv.0", ".conv.2", ".conv.4")
ENCODER_ENDS, ENCODER_UNBIASED = (0, 14), (2, 6, 10)
ENCODER_RESIDUAL = (1, 3, 4, 5, 7, 8, 9, 11, 12, 13)
DECODER_ENDS, DECODER_UNBIASED = (0, 18), (6, 11, 16)
DECODER_RESIDUAL = (2, 3, 4, 7, 8, 9, 12, 13, 14, 17)


def diffusion_tensors(weights: Weights, hidden: int, depth: int) -> dict[str, Tensor]:
    """The image transformer: `hidden` channels (a multiple of 128), `depth` double blocks."""
    tensors: dict[str, Tensor] = {}
    _place_linear(tensors, "img_in", weights, "img_in")
    _place_linear(tensors, "txt_in", weights, "txt_in")
    tensors["txt_norm.scale"] = weights["txt_norm"].astype(np.float32)
    _place_linear(tensors, "time_in.in_layer", weights, "t1")
    _place_linear(tensors, "time_in.out_layer", weights, "t2")
    _place_linear(tensors, "final_layer.adaLN_modulation.1", weights, "fmod")
    _place_linear(tensors, "final_layer.linear", weights, "out")
    for block in range(depth):
        for stream in ("img", "txt"):
            source, target = f"blocks.{block}.{stream}.", f"double_blocks.{block}.{stream}_"
            _place_attention(tensors, target, weights, source, hidden)
            wide = 4 * hidden
            _place_linear(tensors, target + "mlp.gate_proj", weights, source + "gate", (wide, hidden))
            _place_linear(tensors, target + "mlp.up_proj", weights, source + "up", (wide, hidden))
            _place_linear(tensors, target + "mlp.down_proj", weights, source + "down", (hidden, wide))
            _place_modulation(tensors, target + "mod.lin", weights, source, hidden)
    return tensors


def text_encoder_tensors(weights: Weights, token_ids: Sequence[int]) -> dict[str, Tensor]:
    """The text encoder's one layer and the token table.

    Row j of `te.emb` belongs to the engine's token `token_ids[j]`. The first one is padding: its row, like
    that of every token the model never learned, is zero.
    """
    embedding = weights["te.emb"]
    width = embedding.shape[1]
    table = np.zeros((VOCABULARY, width), np.float16)
    table[token_ids] = embedding.astype(np.float16)
    table[token_ids[0]] = 0
    tensors: dict[str, Tensor] = {"model.embed_tokens.weight": table}
    query, output = (np.zeros((QUERY_HEADS * HEAD, width), np.float16) for _ in range(2))
    key, value = (np.zeros((KEY_HEADS * HEAD, width), np.float16) for _ in range(2))
    # Trained head j sits at the first query head that key head j serves, so it has that key for itself.
    for head in range(weights["te.q.weight"].shape[0] // HEAD):
        trained = slice(head * HEAD, (head + 1) * HEAD)
        spread = slice(head * QUERIES_PER_KEY * HEAD, (head * QUERIES_PER_KEY + 1) * HEAD)
        query[spread] = weights["te.q.weight"][trained]
        output[spread] = weights["te.o.weight"][:, trained].T
        key[trained] = weights["te.k.weight"][trained]
        value[trained] = weights["te.v.weight"][trained]
    layer = "model.layers.0."
    attention = layer + "self_attn."
    tensors[attention + "q_proj.weight"] = query
    tensors[attention + "k_proj.weight"] = key
    tensors[attention + "v_proj.weight"] = value
    tensors[attention + "o_proj.weight"] = np.ascontiguousarray(output.T)
    tensors[attention + "q_norm.weight"] = weights["te.qn"].astype(np.float32)
    tensors[attention + "k_norm.weight"] = weights["te.kn"].astype(np.float32)
    tensors[layer + "input_layernorm.weight"] = weights["te.ln1"].astype(np.float32)
    tensors[layer + "post_attention_layernorm.weight"] = weights["te.ln2"].astype(np.float32)
    for part in ("gate", "up", "down"):
        tensors[f"{layer}mlp.{part}_proj.weight"] = weights[f"te.{part}.weight"].astype(np.float16)
    tensors["model.norm.weight"] = weights["te.norm"].astype(np.float32)
    return tensors


def autoencoder_tensors(weights: Weights) -> dict[str, Tensor]:
    """Encoder and decoder. Residual blocks that were never trained stay zero, which makes them do nothing."""
    tensors: dict[str, Tensor] = {}
    sides = (
        ("enc", ENCODER_ENDS, ENCODER_UNBIASED, ENCODER_RESIDUAL, (64, 3), (16, 64)),
        ("dec", DECODER_ENDS, DECODER_UNBIASED, DECODER_RESIDUAL, (64, 16), (3, 64)),
    )
    for side, ends, unbiased, residual, first, last in sides:
        for layer in sorted((*ends, *unbiased, *residual)):
            channels = first if layer == ends[0] else last if layer == ends[1] else (64, 64)
            for part in RESIDUAL if layer in residual else ("",):
                target = f"{side}oder.layers.{layer}{part}"
                source = f"ae.{side}.{layer}{part.replace('.conv.', '.c')}"
                kernel = weights.get(source + ".weight", np.zeros((1, 1, 3, 3)))
                tensors[target + ".weight"] = _padded(kernel, (*channels, 3, 3)).astype(np.float16)
                if layer not in unbiased:
                    bias = weights.get(source + ".bias", np.zeros(1))
                    tensors[target + ".bias"] = _padded(bias, channels[:1])
    return tensors


def _padded(array: Tensor, shape: Sequence[int]) -> Tensor:
    """`array` as float32 in the low corner of zeros of `shape`."""
    padded = np.zeros(shape, np.float32)
    padded[tuple(slice(0, length) for length in array.shape)] = array
    return padded


def _place_linear(
    tensors: dict[str, Tensor],
    target: str,
    weights: Weights,
    source: str,
    shape: tuple[int, int] | None = None,
) -> None:
    """A linear layer, padded to `shape` (outputs, inputs) if that is given."""
    matrix = weights[source + ".weight"]
    outputs, inputs = shape or matrix.shape
    tensors[target + ".weight"] = _padded(matrix, (outputs, inputs)).astype(np.float16)
    tensors[target + ".bias"] = _padded(weights[source + ".bias"], (outputs,))


def _place_attention(
    tensors: dict[str, Tensor], target: str, weights: Weights, source: str, hidden: int
) -> None:
    """Queries, keys and values with their norms, in the engine's order of channels."""
    rows = np.arange(3 * hidden)
    queries_and_keys = rows[: 2 * hidden].reshape(-1, HEAD)
    rows[: 2 * hidden] = queries_and_keys[:, INTERLEAVED].reshape(-1)
    tensors[target + "attn.qkv.weight"] = weights[source + "qkv.weight"][rows].astype(np.float16)
    tensors[target + "attn.qkv.bias"] = weights[source + "qkv.bias"][rows].astype(np.float32)
    query_scale = weights[source + "qs"].astype(np.float32)
    if len(query_scale) < HEAD:  # text queries look through the unrotated channels only
        trained, query_scale = query_scale, np.zeros(HEAD, np.float32)
        query_scale[UNROTATED] = trained
    tensors[target + "attn.norm.query_norm.scale"] = query_scale[INTERLEAVED]
    tensors[target + "attn.norm.key_norm.scale"] = weights[source + "ks"].astype(np.float32)[INTERLEAVED]
    _place_linear(tensors, target + "attn.proj", weights, source + "proj")


def _place_modulation(
    tensors: dict[str, Tensor], target: str, weights: Weights, source: str, hidden: int
) -> None:
    """Time's influence on a stream: for the picture a product of two small matrices."""
    if source + "mod_b" in weights:
        tensors[target + ".weight"] = np.zeros((6 * hidden, hidden), np.float16)
        tensors[target + ".bias"] = weights[source + "mod_b"].astype(np.float32)
        return
    wide, narrow = (weights[source + name].astype(np.float32) for name in ("mod.weight", "mod_a.weight"))
    tensors[target + ".weight"] = (wide @ narrow).astype(np.float16)
    tensors[target + ".bias"] = weights[source + "mod.bias"].astype(np.float32)
