"""The autoencoder: the engine's TAESD arrangement, narrower. Layer numbers are the engine's."""

import torch
from torch import Tensor, nn
from torch.nn import functional

LATENT_CHANNELS = 16
SCALE = 8
"""Pixels per latent, along each side."""
ENCODER_ORDER = ("2", "3", "6", "7", "10", "11", "12", "14")
DECODER_ORDER = ("2", "3", "4", "twice", "6", "7", "8", "twice", "11", "12", "twice", "16", "17", "18")


def convolution(inputs: int, outputs: int, bias: bool = True, stride: int = 1) -> nn.Module:
    return nn.Conv2d(inputs, outputs, 3, stride, 1, bias=bias)


class Residual(nn.Module):
    """Three convolutions around a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.c0 = convolution(channels, channels)
        self.c2 = convolution(channels, channels)
        self.c4 = convolution(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.c2(functional.relu(self.c0(x))))
        return functional.relu(self.c4(y) + x)


class Autoencoder(nn.Module):
    """Pictures (0..1, RGB) to latents of an eighth of their size, and back.

    Residual blocks that the engine has and this has not are zero in the file; they then do nothing, because
    what reaches them is never negative.
    """

    def __init__(self) -> None:
        super().__init__()
        e0, e1, e2, e3 = 16, 32, 64, 64
        d0, d1, d2, d3 = 64, 64, 48, 32
        self.enc = nn.ModuleDict(
            {
                "0": convolution(3, e0),
                "2": convolution(e0, e1, bias=False, stride=2),
                "3": Residual(e1),
                "6": convolution(e1, e2, bias=False, stride=2),
                "7": Residual(e2),
                "10": convolution(e2, e3, bias=False, stride=2),
                "11": Residual(e3),
                "12": Residual(e3),
                "14": convolution(e3, LATENT_CHANNELS),
            }
        )
        self.dec = nn.ModuleDict(
            {
                "0": convolution(LATENT_CHANNELS, d0),
                "2": Residual(d0),
                "3": Residual(d0),
                "4": Residual(d0),
                "6": convolution(d0, d1, bias=False),
                "7": Residual(d1),
                "8": Residual(d1),
                "11": convolution(d1, d2, bias=False),
                "12": Residual(d2),
                "16": convolution(d2, d3, bias=False),
                "17": Residual(d3),
                "18": convolution(d3, 3),
            }
        )
        self.bn = nn.BatchNorm2d(LATENT_CHANNELS, affine=False, momentum=0.02, eps=1e-4)

    def encode(self, pictures: Tensor) -> Tensor:
        """Latents with mean 0 and variance 1; the norm is folded into the last layer when packed."""
        x = functional.relu(self.enc["0"](pictures))  # of the engine's layer 1 only its relu remains
        for layer in ENCODER_ORDER:
            x = self.enc[layer](x)
        return self.bn(x)

    def decode(self, latents: Tensor) -> Tensor:
        """Pictures, not yet clamped to 0..1."""
        x = functional.relu(self.dec["0"](torch.tanh(latents / 3) * 3))
        for layer in DECODER_ORDER:
            x = functional.interpolate(x, scale_factor=2) if layer == "twice" else self.dec[layer](x)
        return x
