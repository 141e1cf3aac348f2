"""The renderer as an ONNX file, for pages that draw faces without Python.

Book chapter: *Faces and emotions*.
"""

from __future__ import annotations

from pathlib import Path

import torch

from ...errors import InputError
from ...files import replacing
from .muscles import UNITS
from .renderer import FaceRenderer
from .scene import make_scene
from .traits import sample_people


def export_renderer(path: str | Path, size: int = 192) -> Path:
    """Write the renderer as ONNX (opset 18).

    Inputs are ``action_units`` ``(n, 34)``, ``traits`` ``(n, len(TRAITS))`` and ``scene``
    ``(n, len(SCENE))``, the output is ``pictures`` ``(n, 1, size, size)``, all float32, `n` free. Blur
    and grain are the camera's, not in the graph.

    Args:
        path: file to write.
        size: side of the pictures in pixels.

    Raises:
        InputError: when the packages ``onnx`` and ``onnxscript`` are missing.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401
    except ImportError:
        raise InputError("exporting needs onnx and onnxscript: pip install 'fertutor[export]'") from None
    rows = 2
    example = (torch.rand(rows, 2 * len(UNITS)), sample_people(rows, torch.Generator()), make_scene())
    example = (*example[:2], example[2].expand(rows, -1).clone())
    count = torch.export.Dim("n")
    program = torch.onnx.export(
        FaceRenderer(size).eval(),
        example,
        dynamo=True,
        opset_version=18,
        input_names=["action_units", "traits", "scene"],
        output_names=["pictures"],
        dynamic_shapes=({0: count}, {0: count}, {0: count}),
        verbose=False,
    )
    assert program is not None
    model = program.model_proto
    for node in model.graph.node:  # where each node came from: two thirds of the file, of no use in a page
        del node.metadata_props[:]
        node.doc_string = ""
    del model.graph.value_info[:]
    path = Path(path)
    with replacing(path) as temporary:
        onnx.save(model, str(temporary))
    return path
