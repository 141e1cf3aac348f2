"""The spatial transformer: localization network, affine grid, bilinear sampler.

Paper: section 3 and Figure 3, after Jaderberg et al. 2015. Book chapter: *Attention: the spatial
transformer*.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..faces.table import SIDE


class Localization(nn.Module):
    """Looks at a face and says which affine map to sample it with.

    Conv 3x3, 8 kernels → max-pool → ReLU → conv 3x3, 10 kernels → max-pool → ReLU → fully
    connected, 32 units → ReLU → linear → six numbers (paper, Figure 3). On 48x48 faces two
    unpadded convolutions with pooling leave 10·10·10 = 1000 features, not the figure's "90".

    The last layer starts at the identity map, as its authors advise: with zero biases θ would
    start near 0, and every point of the grid would read the same pixel.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 3),
            nn.MaxPool2d(2),
            nn.ReLU(),
            nn.Conv2d(8, 10, 3),
            nn.MaxPool2d(2),
            nn.ReLU(),
        )
        side = ((SIDE - 2) // 2 - 2) // 2
        self.hidden = nn.Linear(10 * side * side, 32)
        self.theta = nn.Linear(32, 6)
        nn.init.zeros_(self.theta.weight)
        self.bias_to_identity()

    @torch.no_grad()
    def bias_to_identity(self) -> None:
        """Set the last layer's bias to the identity map."""
        self.theta.bias.copy_(torch.tensor([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]))

    def forward(self, x: Tensor) -> Tensor:
        """Return θ, float ``(n, 2, 3)``, for normalised faces ``(n, 1, 48, 48)``."""
        hidden = F.relu(self.hidden(self.features(x).flatten(1)))
        return self.theta(hidden).view(-1, 2, 3)


def sample_affine(x: Tensor, theta: Tensor, padding: str = "zeros") -> Tensor:
    """Warp maps by an affine map of the output grid: the grid generator and the sampler.

    Args:
        x: float ``(n, c, h, w)``.
        theta: float ``(n, 2, 3)``; maps output coordinates in [-1, 1] to input coordinates
            (x, y), so a scale above 1 zooms *out*.
        padding: what lies outside the input: ``"zeros"``, ``"border"`` or ``"reflection"``.

    Returns:
        Float ``(n, c, h, w)``, bilinearly interpolated.
    """
    if not len(x):  # torch refuses a grid of no maps; θ's layers still get their gradients, of 0
        return x + theta.sum()
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid.to(x.dtype), padding_mode=padding, align_corners=False)
