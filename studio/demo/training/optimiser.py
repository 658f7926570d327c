"""The optimiser: Muon for the hidden matrices, AdamW for the rest, averaged over the processes."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from studio.demo.training.devices import processes, rank, summed

LARGEST_GRADIENT = 5.0


def orthogonal(matrix: Tensor) -> Tensor:
    """`matrix` with all its singular values moved near 1, by five Newton-Schulz steps."""
    x = matrix.bfloat16()
    is_tall = x.size(-2) > x.size(-1)
    if is_tall:
        x = x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        square = x @ x.mT
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return (x.mT if is_tall else x).float()


class Optimiser:
    """Updates the parameters of a model; the orthogonalising is split over the processes."""

    def __init__(
        self,
        named_parameters: Iterable[tuple[str, nn.Parameter]],
        is_hidden_matrix: Callable[[str, Tensor], bool],
        muon_rate: float,
        adam_rate: float,
        momentum: float = 0.95,
        decay: float = 0.0,
    ) -> None:
        """`decay` shrinks the hidden matrices, as a share of the rate."""
        named = list(named_parameters)
        self._parameters = [parameter for _, parameter in named]
        self._matrices = [parameter for name, parameter in named if is_hidden_matrix(name, parameter)]
        chosen = {id(matrix) for matrix in self._matrices}
        others = [parameter for parameter in self._parameters if id(parameter) not in chosen]
        self._adam = torch.optim.AdamW(others, lr=1, betas=(0.9, 0.97), weight_decay=0, fused=True)
        self._momenta = [torch.zeros_like(matrix) for matrix in self._matrices]
        self._muon_rate, self._adam_rate = muon_rate, adam_rate
        self._momentum, self._decay = momentum, decay
        load = [0] * processes()
        self._owners = []
        for matrix in self._matrices:
            owner = load.index(min(load))
            self._owners.append(owner)
            load[owner] += matrix.numel()

    def step(self, loss: Tensor, factor: float) -> None:
        """Descend along the gradient of `loss` at `factor` times the rates."""
        for parameter in self._parameters:
            parameter.grad = None
        loss.backward()
        self._average_gradients()
        nn.utils.clip_grad_norm_(self._parameters, LARGEST_GRADIENT)
        for group in self._adam.param_groups:
            group["lr"] = self._adam_rate * factor
        self._adam.step()
        rate = self._muon_rate * factor
        with torch.no_grad():
            for matrix, update in zip(self._matrices, self._updates(), strict=True):
                matrix.mul_(1 - self._decay * rate).add_(update, alpha=-rate)

    def _average_gradients(self) -> None:
        if processes() == 1:
            return
        gradients = [
            torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            for parameter in self._parameters
        ]
        for parameter, total in zip(self._parameters, summed(gradients), strict=True):
            parameter.grad = total / processes()

    def _updates(self) -> list[Tensor]:
        """Each matrix's direction; every process works out its own share, the sum collects them."""
        updates = []
        for matrix, momentum, owner in zip(self._matrices, self._momenta, self._owners, strict=True):
            momentum.mul_(self._momentum).add_(matrix.grad)
            if owner == rank():
                direction = matrix.grad + self._momentum * momentum
                updates.append(_direction(direction).reshape(matrix.shape))
            else:
                updates.append(torch.zeros_like(matrix))
        return summed(updates)


def _direction(gradient: Tensor) -> Tensor:
    flat = gradient.reshape(gradient.shape[0], -1)
    rows, columns = flat.shape
    if gradient.ndim == 2 and rows == 3 * columns:  # queries, keys and values are three matrices in one
        return torch.cat([orthogonal(part) for part in flat.chunk(3)])
    return orthogonal(flat) * max(1.0, rows / columns) ** 0.5
