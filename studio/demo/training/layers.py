"""The building blocks that the text encoder and the image transformer share, computed as the engine does."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from studio.demo.layout import HEAD


class Linear(nn.Module):
    """A linear layer that keeps its weights in float32 and multiplies in `precision`."""

    def __init__(self, inputs: int, outputs: int, bias: bool = True, spread: float | None = None) -> None:
        """Weights start with a standard deviation of `spread`, by default 1 / sqrt(inputs)."""
        super().__init__()
        self.precision = torch.bfloat16
        deviation = 1 / math.sqrt(inputs) if spread is None else spread
        self.weight = nn.Parameter(torch.randn(outputs, inputs) * deviation)
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        bias = None if self.bias is None else self.bias.to(self.precision)
        return functional.linear(x.to(self.precision), self.weight.to(self.precision), bias)


def use_float32(model: nn.Module) -> None:
    """Multiply in full precision from now on, for comparisons."""
    for module in model.modules():
        if isinstance(module, Linear):
            module.precision = torch.float32


def root_mean_square_norm(x: Tensor, scale: Tensor) -> Tensor:
    """`x` over the root mean square of its last axis, times `scale`; float32."""
    x = x.float()
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * scale


def layer_norm(x: Tensor) -> Tensor:
    """`x` with mean 0 and variance 1 along its last axis; float32."""
    return functional.layer_norm(x.float(), (x.shape[-1],), eps=1e-6)


def rotated(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotary position embedding; the two channels of a pair are half a head apart."""
    a, b = x.chunk(2, -1)
    return torch.cat((a * cosine - b * sine, b * cosine + a * sine), -1)


def in_heads(x: Tensor) -> Tensor:
    """[batch, length, channels] as [batch, heads, length, 128]."""
    batch, length, channels = x.shape
    return x.view(batch, length, channels // HEAD, HEAD).transpose(1, 2)
