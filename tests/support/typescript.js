// SPDX-License-Identifier: MIT
// typescript.js check DIRECTORY...: whether all .ts files below are TypeScript, as `tsc --strict` takes it; one process for all.
// typescript.js emit FROM TO [DIRECTORY...]: the same of FROM, and JavaScript of it that node runs; below the directories only
// whether they parse, which takes a tenth of the time.
// Exit 1: it is not, and what is wrong; 77: there is no TypeScript here.
"use strict";
const fs = require("fs");
const path = require("path");

let ts;
for (const name of ["typescript", "/usr/share/nodejs/typescript", "/usr/lib/node_modules/typescript"])
  try {
    ts = ts || require(name);
  } catch (error) {
    // Another one may be there.
  }
if (!ts) {
  console.log("skipped: there is no TypeScript (Debian's node-typescript; packages.txt names it)");
  process.exit(77);
}

function filesBelow(directory) {
  return fs.readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(directory, entry.name);
    return entry.isDirectory() ? filesBelow(name) : name.endsWith(".ts") ? [name] : [];
  });
}

const [verb, ...places] = process.argv.slice(2);
const emits = verb === "emit";
const files = (emits ? places.slice(0, 1) : places).flatMap(filesBelow);
if (files.length === 0) throw new Error("no files in " + places);
const program = ts.createProgram(files, {
  strict: true,
  noUnusedLocals: true,
  noImplicitReturns: true,
  noFallthroughCasesInSwitch: true,
  isolatedModules: true,
  skipLibCheck: true,
  forceConsistentCasingInFileNames: true,
  target: ts.ScriptTarget.ES2020,
  module: ts.ModuleKind.CommonJS,
  lib: ["lib.es2015.d.ts"],
  types: [],
  noEmit: !emits,
  outDir: emits ? places[1] : undefined,
});
const wrong = ts.getPreEmitDiagnostics(program).slice();
if (emits) wrong.push(...program.emit().diagnostics);
const parsed = emits ? places.slice(2).flatMap(filesBelow) : [];
for (const name of parsed)
  wrong.push(...ts.createSourceFile(name, fs.readFileSync(name, "utf8"), ts.ScriptTarget.ES2020).parseDiagnostics);
for (const diagnostic of wrong.slice(0, 20)) {
  const text = ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n");
  const at = diagnostic.file ? diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start) : null;
  console.log(at ? `${diagnostic.file.fileName}:${at.line + 1}:${at.character + 1}: ${text}` : text);
}
console.log(`${files.length} files, ${parsed.length} only parsed, ${wrong.length} faults, TypeScript ${ts.version}`);
process.exit(wrong.length ? 1 : 0);
