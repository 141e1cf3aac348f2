"""Export what the published pages compute with into ``web/vendor/networks``: the released networks
and the renderer of the drawn faces, as ONNX."""

from __future__ import annotations

from pathlib import Path

import torch

from fertutor.faces.drawn import SCENE, TRAITS, UNITS, FaceRenderer
from fertutor.files import replacing
from fertutor.network.export import export_network, write_onnx
from fertutor.network.weights import load_network, released_networks

FOLDER = Path(__file__).resolve().parent / "vendor" / "networks"

PICTURES = {"renderer": 48, "renderer-large": 96}
"""File → side of the pictures: what the network sees, and what the reader sees."""


def main() -> None:
    """Export for one face at a time, with fixed shapes: a page draws and judges one."""
    torch.set_num_threads(1)
    for name in released_networks():
        export_network(load_network(name), FOLDER / f"{name}.onnx", batch=1)
    inputs = {
        "action_units": torch.zeros(1, 2 * len(UNITS)),
        "traits": torch.zeros(1, len(TRAITS)),
        "scene": torch.tensor([list(SCENE.values())]),
    }
    for name, size in PICTURES.items():
        with replacing(FOLDER / f"{name}.onnx") as temporary:
            write_onnx(FaceRenderer(size), inputs, ["picture"], temporary)


if __name__ == "__main__":
    main()
