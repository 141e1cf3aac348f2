"""FaceRenderer: action units, identity and scene in, grey pictures out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from . import extras, eyes, head, mouth, skin
from .muscles import Muscles
from .scene import Scene
from .shapes import Canvas, over, paste
from .traits import Traits


class FaceRenderer(nn.Module):
    """Draw faces. No parameters to train: the picture is a differentiable function of its input.

    Args:
        size: height and width of the pictures in pixels.

    Example:
        >>> renderer = FaceRenderer(96)
        >>> pictures = renderer(action_units, traits, scene)  # (n, 34), (n, t), (n, s)
        >>> pictures.shape
        torch.Size([n, 1, 96, 96])
    """

    def __init__(self, size: int = 48) -> None:
        super().__init__()
        self.size = size
        ticks = (torch.arange(size, dtype=torch.float64) + 0.5) * (2 / size) - 1
        self.register_buffer("ticks", ticks.float(), persistent=False)
        self.ticks: Tensor

    def canvas(self, scene: Scene) -> Canvas:
        """Return where every pixel lies on each face."""
        column = self.ticks.to(scene.roll.dtype)[None, None, :]
        row = self.ticks.to(scene.roll.dtype)[None, :, None]
        turn, rise = torch.cos(scene.roll) / scene.scale, torch.sin(scene.roll) / scene.scale
        px, py = column - scene.shift_x, row - scene.shift_y
        x, y = px * turn + py * rise, py * turn - px * rise
        z = 0.85 * torch.sqrt(torch.relu(1 - x * x - 0.55 * (y - head.CENTRE) ** 2) + 0.02) - 0.45
        u = x * torch.cos(scene.yaw) - z * torch.sin(scene.yaw)
        v = (y - 0.05) * torch.cos(scene.pitch) - z * torch.sin(scene.pitch) + 0.05
        a = torch.sqrt(u * u + 1e-5)
        return Canvas(x, y, u, v, a, torch.sigmoid(u * 16), 2 / (self.size * scene.scale))

    def forward(self, action_units: Tensor, traits: Tensor, scene: Tensor) -> Tensor:
        """Draw one face a row.

        Args:
            action_units: float ``(n, 34)``, 0 to 1: :data:`~.muscles.UNITS`, person's left and right.
            traits: float ``(n, len(TRAITS))``.
            scene: float ``(n, len(SCENE))``.

        Returns:
            float ``(n, 1, size, size)``, 0 black to 1 white.
        """
        m, t, s = Muscles(action_units), Traits(traits), Scene(scene)
        c = self.canvas(s)
        h = head.outline(c, m, t)
        upper, lower = c.band(-1.05, 0.10), c.band(-0.18, 1.6)
        cu, cl = c.cut(upper), c.cut(lower)
        e, k, b = eyes.place_eyes(cu, m, t, s), mouth.place_mouth(cl, m, t), eyes.place_brows(cu, m, t)
        nu = skin.nose_u(c, s)
        dark = skin.hollows(c, m, t, s, e, nu)
        dark = paste(dark, upper, dark[:, upper] + skin.upper_folds(cu, m, t, e, nu[:, upper]))
        dark = paste(dark, lower, dark[:, lower] + skin.lower_folds(cl, m, t, h, k))
        face = (0.10 + 0.77 * t.skin) * torch.exp(-dark)
        face = paste(face, lower, mouth.draw_mouth(cl, m, t, k, skin.beard(cl, t, k, face[:, lower])))
        face = paste(face, upper, eyes.draw_brows(cu, t, b, eyes.draw_eyes(cu, t, s, e, face[:, upper])))
        face = face * head.lit(c, s, skin.relief(c, m, t, h, k, e, nu))
        face = face * (1.10 - 0.17 * face)  # like film: the brightest skin keeps its shading
        picture = head.ears(c, t, s, h, head.behind(c, t, s, h))
        picture = over(picture, face, c.inside(h.distance))
        picture = head.hair(c, t, s, h, picture)
        picture = paste(picture, upper, extras.glasses(cu, t, e, picture[:, upper]))
        picture = extras.hat(c, t, h, picture)
        picture = extras.strand(c, t, s, picture)
        picture = extras.hand(c, t, s, picture)
        picture = (picture - 0.45) * s.contrast + 0.45 + s.brightness
        return extras.watermark(c, s, picture).clamp(0.0, 1.0)[:, None]
