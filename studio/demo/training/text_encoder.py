"""The text encoder: one Qwen3 layer and a final norm. Attribute names are those of the checkpoints."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from studio.demo.layout import HEAD
from studio.demo.training.layers import Linear, in_heads, root_mean_square_norm, rotated

PREFIX_LENGTH = 28
"""Tokens of the engine's template that it cuts off after the text encoder."""


class TextEncoder(nn.Module):
    """Rows of the embedding table to states of `width` channels."""

    def __init__(self, rows: int, width: int = 128, heads: int = 4, inner: int = 256) -> None:
        super().__init__()
        self.emb = nn.Parameter(torch.randn(rows, width) * 0.5)
        self.ln1 = nn.Parameter(torch.ones(width))
        self.ln2 = nn.Parameter(torch.ones(width))
        self.norm = nn.Parameter(torch.ones(width))
        self.q = Linear(width, heads * HEAD, bias=False)
        self.k = Linear(width, heads * HEAD, bias=False)
        self.v = Linear(width, heads * HEAD, bias=False)
        self.o = Linear(heads * HEAD, width, bias=False)
        self.qn = nn.Parameter(torch.ones(HEAD))
        self.kn = nn.Parameter(torch.ones(HEAD))
        self.gate = Linear(width, inner, bias=False)
        self.up = Linear(width, inner, bias=False)
        self.down = Linear(inner, width, bias=False)

    def forward(self, rows: Tensor, valid: Tensor) -> Tensor:
        """`rows` [batch, length] (0: a zero row), `valid` likewise (False: the engine's padding)."""
        x = self.emb[rows] * (rows != 0).unsqueeze(-1)
        x = x + self._attention(root_mean_square_norm(x, self.ln1), valid)
        wide = root_mean_square_norm(x, self.ln2)
        x = x + self.down(functional.silu(self.gate(wide)) * self.up(wide))
        return root_mean_square_norm(x, self.norm)

    def _attention(self, x: Tensor, valid: Tensor) -> Tensor:
        batch, length, _ = x.shape
        q, k, v = (in_heads(layer(x)) for layer in (self.q, self.k, self.v))
        frequency = 1e6 ** (-torch.arange(HEAD // 2, dtype=torch.float32, device=x.device) / (HEAD // 2))
        angle = torch.arange(length, dtype=torch.float32, device=x.device)[:, None] * frequency
        q = rotated(root_mean_square_norm(q, self.qn), angle.cos(), angle.sin())
        k = rotated(root_mean_square_norm(k, self.kn), angle.cos(), angle.sin())
        causal = torch.ones(length, length, dtype=torch.bool, device=x.device).tril()
        seen = (causal[None] & valid[:, None, :])[:, None]
        precision = self.q.precision
        scores = (q.to(precision) @ k.to(precision).transpose(-1, -2)).float() / math.sqrt(HEAD)
        shares = scores.masked_fill(~seen, float("-inf")).softmax(-1)
        mixed = (shares.to(precision) @ v.to(precision)).transpose(1, 2).reshape(batch, length, -1)
        return self.o(mixed)
