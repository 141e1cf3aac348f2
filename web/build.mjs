// Bundles each front end into one self-contained ES module in fertutor/widgets/static. No third-party
// code goes into them, so they are committed, and `pip install` needs no Node.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const web = dirname(fileURLToPath(import.meta.url));
const target = process.argv[2] ?? join(web, "..", "fertutor", "widgets", "static");
const scratch = mkdtempSync(join(tmpdir(), "fertutor-"));
try {
  const wasm = join(scratch, "kernels.wasm");
  const compiler = join(web, "node_modules", "assemblyscript", "bin", "asc.js");
  const made = spawnSync(process.execPath,
    [compiler, "kernels/kernels.ts", "--config", "kernels/asconfig.json", "-o", wasm], { cwd: web, stdio: "inherit" });
  if (made.status) process.exit(made.status);
  const widgets = ["action_units", "confusion", "occlusion", "transformer"];
  await build({
    absWorkingDir: web,
    entryPoints: [...widgets, "page", "plotly", "worker"].map((name) => `src/${name}.js`),
    outdir: target,
    outExtension: { ".js": ".mjs" },
    alias: { "kernels.wasm": wasm },
    bundle: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    loader: { ".css": "text", ".wasm": "binary" },
    logLevel: "warning",
  });
} finally {
  rmSync(scratch, { recursive: true });
}
