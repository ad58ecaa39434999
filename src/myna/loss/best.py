"""The best preset seen so far, per item: what is returned in the end, whatever a method wandered through since.

Shapes: B items, P parameters, S updates.
"""

from __future__ import annotations

import torch
from torch import Tensor

from myna.errors import UsageError

__all__ = ["BestSoFar"]


class BestSoFar:
    """Tracks B searches side by side.

    Attributes:
        loss: (B,) best loss, infinite before the first update.
        u: (B, P) the preset that had it, zeros before.
        step: (B,) int64, the item's update (from 0) in which it came, -1 before.
        steps: (B,) int64, updates of the item since its last reset.

    Example:
        >>> best = BestSoFar(1, 2)
        >>> best.update(torch.tensor([0.5]), torch.tensor([[0.1, 0.2]])).item()
        True
        >>> best.update(torch.tensor([0.5]), torch.tensor([[0.3, 0.4]])).item()  # a tie: the first stays
        False
        >>> best.history(0).tolist()
        [0.5, 0.5]
    """

    def __init__(self, items: int, parameters: int, device: torch.device | str = "cpu") -> None:
        """Nothing seen yet."""
        self.loss = torch.full((items,), torch.inf, device=device)
        self.u = torch.zeros(items, parameters, device=device)
        self.step = torch.full((items,), -1, device=device)
        self.steps = torch.zeros(items, dtype=torch.int64, device=device)
        self._rows: list[Tensor] = []  # (B,) best after each update, as many as the oldest item needs

    def update(self, loss: Tensor, u: Tensor) -> Tensor:
        """Take in one loss (B,) and preset (B, P) per item; which items improved, (B,) bool.

        An equal loss is no improvement, NaN never is.

        Raises:
            UsageError: wrong shapes.
        """
        if loss.shape != self.loss.shape or u.shape != self.u.shape:
            wanted = f"{tuple(self.loss.shape)} and {tuple(self.u.shape)}"
            raise UsageError(f"Losses and presets must have the shapes {wanted}; got {(*loss.shape,)}, {(*u.shape,)}.")
        loss, u = loss.detach().to(self.loss), u.detach().to(self.u)
        better = loss < self.loss
        self.loss = torch.where(better, loss, self.loss)
        self.u = torch.where(better[:, None], u, self.u)
        self.step = torch.where(better, self.steps, self.step)
        self.steps = self.steps + 1
        self._rows.append(self.loss)
        return better

    def reset(self, mask: Tensor) -> None:
        """Forget the items that `mask` (B,) bool marks."""
        self.loss = self.loss.masked_fill(mask, torch.inf)
        self.u = self.u.masked_fill(mask[:, None], 0.0)
        self.step = self.step.masked_fill(mask, -1)
        self.steps = self.steps.masked_fill(mask, 0)
        needed = int(self.steps.max()) if len(self.steps) else 0
        del self._rows[: len(self._rows) - needed]

    def history(self, item: int) -> Tensor:
        """Best loss after each update of an item since its reset, (S,), never rising."""
        count = int(self.steps[item])
        if not count:
            return self.loss.new_zeros(0)
        return torch.stack([row[item] for row in self._rows[-count:]])
