"""Networks as ONNX files: for other engines, and for the book's pages, which run them in the browser.

Book chapter: *A playground*.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import InputError
from ..faces.table import SIDE
from ..files import expanded, replacing
from ..mode import evaluating

OPSET = 20
"""The first ONNX version with both of the transformer's operators, AffineGrid and GridSample."""

TOLERANCE = 1e-5
"""Largest accepted difference between probabilities of torch and of the exported graph."""


def export_network(network: nn.Module, path: str | Path, batch: int | None = None) -> Path:
    """Write a network as ONNX and check that it says the same as in torch.

    The graph maps ``faces``, float ``(n, 1, 48, 48)`` in [0, 1], to ``logits``, ``(n, classes)``. A
    network with a transformer has a second output ``theta``, ``(n, 2, 3)``.

    Args:
        network: any network of ours; exported in eval mode, and left as it was.
        path: the file to write, by custom ``*.onnx``.
        batch: number of faces that the graph takes at a time; any number when None.

    Raises:
        InputError: when the package ``onnx`` is missing, or the graph's probabilities differ from
            torch's by more than 1e-5.

    Example:
        >>> export_network(fertutor.load_network("paper"), "paper.onnx")
    """
    path = expanded(path)
    faces = torch.rand(batch or 2, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    with evaluating(network), replacing(path) as temporary:
        write_onnx(network, {"faces": faces}, ["logits"], temporary, any_number=batch is None)
        difference = _name_theta_and_compare(network, faces, temporary)
        if difference > TOLERANCE:
            raise InputError(f"{path}: the exported probabilities differ from torch's by {difference:.1g}")
    return path


def write_onnx(
    module: nn.Module, inputs: dict[str, Tensor], outputs: list[str], path: Path, any_number: bool = False
) -> None:
    """Trace a module and write its graph.

    Args:
        module: takes the inputs in their order.
        inputs: name → example of each input.
        outputs: names of the outputs.
        path: the file to write.
        any_number: leave the first dimension of inputs and outputs open.

    Raises:
        InputError: when the package ``onnx`` is missing.
    """
    _onnx()
    names = [*inputs, *outputs]
    with warnings.catch_warnings():  # of the tracer, about shapes that are fixed here on purpose
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            tuple(inputs.values()),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=outputs,
            dynamic_axes={name: {0: "n"} for name in names} if any_number else None,
        )


def _onnx() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise InputError(
            "the export to ONNX needs the package onnx: pip install 'fertutor[export]'"
        ) from error
    return onnx


def _name_theta_and_compare(network: nn.Module, faces: Tensor, path: Path) -> float:
    """Make θ an output of the file at `path`; return how far its probabilities are from torch's."""
    onnx = _onnx()
    model = onnx.load(str(path))
    grid = next((node for node in model.graph.node if node.op_type == "AffineGrid"), None)
    if grid is not None:
        chosen = grid.input[0]
        for node in model.graph.node:
            for names in (node.input, node.output):
                for place, name in enumerate(names):
                    if name == chosen:
                        names[place] = "theta"
        shape = ["n", 2, 3]
        model.graph.output.append(onnx.helper.make_tensor_value_info("theta", onnx.TensorProto.FLOAT, shape))
        onnx.save(model, str(path))
    onnx.checker.check_model(model)
    logits = torch.from_numpy(run_onnx(path, {"faces": faces})[0])
    with torch.no_grad():
        return float((network(faces).softmax(1) - logits.softmax(1)).abs().max())


def run_onnx(path: Path, inputs: dict[str, Tensor]) -> list[Any]:
    """Return the outputs of an ONNX file as numpy arrays: by onnxruntime, or ONNX's own slow evaluator."""
    arrays = {name: value.numpy() for name, value in inputs.items()}
    try:
        import onnxruntime
    except ImportError:
        from onnx.reference import ReferenceEvaluator

        return list(ReferenceEvaluator(str(path)).run(None, arrays))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return list(session.run(None, arrays))
