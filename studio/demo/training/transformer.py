"""The image transformer: FLUX double blocks as in the engine. Attribute names are the checkpoints'.

Only the weights that are trained live here; studio/demo/layout.py puts them into the engine's shapes. Three
savings keep training cheap and still give exactly what the engine computes:

- The engine pads every prompt to 256 tokens and does not mask the padding here. The row of the padding token
  is zero, the text encoder has one layer, and text queries use only channels that rotation leaves alone, so
  all padding shares one state and differs in its rotated keys only. One padding slot is computed, and its key
  is rotated to every remaining position.
- Half of each block's inner width is used; the rest is zero in the file.
- The text stream's modulation does not depend on time.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from studio.demo.layout import HEAD, UNROTATED
from studio.demo.training.layers import Linear, in_heads, layer_norm, root_mean_square_norm, rotated
from studio.demo.training.text_encoder import PREFIX_LENGTH, TextEncoder

TEXT_LENGTH = 256
"""Text tokens the engine feeds the transformer, padding included."""
LATENT_CHANNELS, PATCH = 16, 2

Angles = tuple[Tensor, Tensor]


class Stream(nn.Module):
    """The weights of one block for the picture's tokens, or for the text's (`is_text`)."""

    def __init__(self, hidden: int, inner: int, rank: int, is_text: bool) -> None:
        super().__init__()
        self.qkv = Linear(hidden, 3 * hidden)
        self.proj = Linear(hidden, hidden)
        self.gate = Linear(hidden, inner)
        self.up = Linear(hidden, inner)
        self.down = Linear(inner, hidden)
        self.qs = nn.Parameter(torch.ones(len(UNROTATED) if is_text else HEAD))
        self.ks = nn.Parameter(torch.ones(HEAD))
        self.is_text = is_text
        start = torch.zeros(6, hidden)
        start[2] = start[5] = 0.5  # the gates begin half open
        if is_text:
            self.mod_b = nn.Parameter(start.reshape(-1))
        else:
            self.mod_a = Linear(hidden, rank, bias=False)
            self.mod = Linear(rank, 6 * hidden, spread=0.01)
            self.mod.bias = nn.Parameter(start.reshape(-1))

    def modulation(self, time: Tensor) -> tuple[Tensor, ...]:
        """Shift, scale and gate of the attention, then of the inner layer; each [batch or 1, 1, hidden]."""
        if self.is_text:
            return tuple(self.mod_b.view(1, 1, -1).chunk(6, -1))
        return tuple(self.mod(self.mod_a(time)).float().unsqueeze(1).chunk(6, -1))

    def query_key_value(self, x: Tensor, shift: Tensor, scale: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Normed queries and keys, not yet rotated, and values, in heads."""
        q, k, v = (in_heads(part) for part in self.qkv(layer_norm(x) * (1 + scale) + shift).chunk(3, -1))
        query_scale = self.qs
        if self.is_text:
            rest = self.qs.new_zeros(56)  # text queries look through UNROTATED channels only
            query_scale = torch.cat((self.qs[:8], rest, self.qs[8:], rest))
        return root_mean_square_norm(q, query_scale), root_mean_square_norm(k, self.ks), v

    def update(self, x: Tensor, attended: Tensor, modulation: tuple[Tensor, ...]) -> Tensor:
        """`x` after this block, given what its tokens attended to."""
        _, _, gate, inner_shift, inner_scale, inner_gate = modulation
        x = x + self.proj(attended) * gate
        y = layer_norm(x) * (1 + inner_scale) + inner_shift
        return x + self.down(functional.silu(self.gate(y)) * self.up(y)) * inner_gate


class Block(nn.Module):
    """One double block: the two streams attend to everything and are updated on their own."""

    def __init__(self, hidden: int, image_inner: int, text_inner: int, rank: int) -> None:
        super().__init__()
        self.img = Stream(hidden, image_inner, rank, is_text=False)
        self.txt = Stream(hidden, text_inner, rank, is_text=True)

    def forward(
        self, image: Tensor, text: Tensor, time: Tensor, angles: tuple[Angles, Angles, Angles], is_last: bool
    ) -> tuple[Tensor, Tensor]:
        """Both streams after the block; the last block leaves the text as it was, nothing reads it."""
        text_angles, padding_angles, image_angles = angles
        image_modulation, text_modulation = self.img.modulation(time), self.txt.modulation(time)
        image_q, image_k, image_v = self.img.query_key_value(image, *image_modulation[:2])
        text_q, text_k, text_v = self.txt.query_key_value(text, *text_modulation[:2])
        image_q, image_k = rotated(image_q, *image_angles), rotated(image_k, *image_angles)
        padding_k = rotated(text_k[:, :, -1:], *padding_angles)  # the last slot is padding
        text_k = rotated(text_k, *text_angles)
        queries = image_q if is_last else torch.cat((text_q, image_q), 2)
        keys = torch.cat((padding_k, text_k, image_k), 2)
        values = torch.cat((text_v, image_v), 2)
        slots = text.shape[1]
        attended = self._attention(queries, keys, values, padding_k.shape[2], slots)
        if is_last:
            return self.img.update(image, attended, image_modulation), text
        image = self.img.update(image, attended[:, slots:], image_modulation)
        return image, self.txt.update(text, attended[:, :slots], text_modulation)

    def _attention(self, queries: Tensor, keys: Tensor, values: Tensor, padding: int, slots: int) -> Tensor:
        """The first `padding` keys share the value of text slot `slots` - 1."""
        precision = self.img.qkv.precision
        scores = (queries.to(precision) @ keys.to(precision).transpose(-1, -2)).float() * HEAD**-0.5
        shares = scores.softmax(-1)
        if padding:
            extra, shares = shares[..., :padding].sum(-1, keepdim=True), shares[..., padding:]
            last = shares[..., slots - 1 : slots] + extra
            shares = torch.cat((shares[..., : slots - 1], last, shares[..., slots:]), -1)
        mixed = (shares.to(precision) @ values).transpose(1, 2)
        return mixed.reshape(mixed.shape[0], mixed.shape[1], -1)


class Transformer(nn.Module):
    """Noisy latents and text states to a velocity (noise minus data)."""

    def __init__(
        self,
        text_encoder: TextEncoder,
        hidden: int = 256,
        depth: int = 6,
        text_width: int = 128,
        image_inner: int = 512,
        text_inner: int = 256,
        rank: int = 64,
    ) -> None:
        super().__init__()
        self.hidden = hidden
        patch = LATENT_CHANNELS * PATCH * PATCH
        self.img_in = Linear(patch, hidden)
        self.txt_in = Linear(text_width, hidden)
        self.txt_norm = nn.Parameter(torch.ones(text_width))
        self.t1 = Linear(256, hidden)
        self.t2 = Linear(hidden, hidden)
        self.blocks = nn.ModuleList(Block(hidden, image_inner, text_inner, rank) for _ in range(depth))
        self.fmod = Linear(hidden, 2 * hidden, spread=0.01)
        self.out = Linear(hidden, patch, spread=0.01)
        self.te = text_encoder

    def text(self, rows: Tensor, valid: Tensor) -> Tensor:
        """States of the prompt, the template's end and the padding; `rows` ends with at least one padding."""
        return self.te(rows, valid)[:, PREFIX_LENGTH:]

    def forward(self, latents: Tensor, time: Tensor, text: Tensor) -> Tensor:
        """`latents` [batch, 16, height, width] at `time` [batch] in 0..1 (1 is noise), `text` from text()."""
        batch, channels, height, width = latents.shape
        rows, columns = height // PATCH, width // PATCH
        patches = latents.reshape(batch, channels, rows, PATCH, columns, PATCH).permute(0, 2, 4, 1, 3, 5)
        image = self.img_in(patches.reshape(batch, rows * columns, -1)).float()
        states = self.txt_in(root_mean_square_norm(text, self.txt_norm)).float()
        vector = functional.silu(self._time_vector(time))
        angles = position_angles(text.shape[1], rows, columns, latents.device)
        for index, block in enumerate(self.blocks):
            image, states = block(image, states, vector, angles, index == len(self.blocks) - 1)
        shift, scale = self.fmod(vector).float().unsqueeze(1).chunk(2, -1)
        velocity = self.out(layer_norm(image) * (1 + scale) + shift).float()
        tiles = velocity.reshape(batch, rows, columns, channels, PATCH, PATCH).permute(0, 3, 1, 4, 2, 5)
        return tiles.reshape(batch, channels, height, width)

    def _time_vector(self, time: Tensor) -> Tensor:
        frequency = 10000.0 ** (-torch.arange(128, dtype=torch.float32, device=time.device) / 128)
        angle = time.float()[:, None] * 1000.0 * frequency
        waves = torch.cat((angle.cos(), angle.sin()), -1)
        return self.t2(functional.silu(self.t1(waves))).float()


def position_angles(
    slots: int, rows: int, columns: int, device: torch.device
) -> tuple[Angles, Angles, Angles]:
    """Cosines and sines for `slots` text slots, the rest of the text's padding, and the picture's patches."""

    def angles(first: Tensor, second: Tensor) -> Angles:
        zero = torch.zeros(len(first), 8, device=device)
        angle = torch.cat((zero, _axis(first), _axis(second)), 1)
        return angle.cos(), angle.sin()

    text = torch.arange(TEXT_LENGTH, device=device)
    grid = torch.meshgrid(
        torch.arange(rows, device=device), torch.arange(columns, device=device), indexing="ij"
    )
    row, column = (axis.reshape(-1) for axis in grid)
    return angles(text[:slots], text[:slots]), angles(text[slots:], text[slots:]), angles(row, column)


def _axis(position: Tensor, channels: int = 56) -> Tensor:
    exponent = torch.arange(0, channels, 2, dtype=torch.float32, device=position.device) / channels
    return position[:, None].float() * 10000.0**-exponent
