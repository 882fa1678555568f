// Tokenises the zoo and a table of cases with VS Code's own TextMate engine.
//
//   npm install && npm test            every file of specs/, and the cases below
//   node test/tokenise.mjs FILE ...    prints the scopes of every word of FILE

import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const textmate = require("vscode-textmate");
const oniguruma = require("vscode-oniguruma");

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..", "..");
const BARE = "source.archspec";

async function loadGrammar() {
  const wasm = readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm"));
  await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength));
  const path = join(here, "..", "syntaxes", "archspec.tmLanguage.json");
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (sources) => new oniguruma.OnigScanner(sources),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async () => textmate.parseRawGrammar(readFileSync(path, "utf8"), path),
  });
  return registry.loadGrammar(BARE);
}

/** Every piece of a text as {line, column, text, scopes}; the innermost scope is the last. */
function tokenise(grammar, text) {
  const pieces = [];
  let state = textmate.INITIAL;
  text.split(/\r?\n/).forEach((line, number) => {
    const result = grammar.tokenizeLine(line, state);
    state = result.ruleStack;
    for (const { startIndex, endIndex, scopes } of result.tokens) {
      pieces.push({ line: number + 1, column: startIndex + 1, text: line.slice(startIndex, endIndex), scopes });
    }
  });
  return { pieces, depth: state.depth };
}

function specs(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return specs(path);
    return entry.name.endsWith(".arch") ? [path] : [];
  });
}

const faults = [];
function check(holds, message) {
  if (!holds) faults.push(message);
}

const last = (piece) => piece.scopes[piece.scopes.length - 1];
const is = (piece, scope) => piece.scopes.some((s) => s.startsWith(scope));

/** What must hold of every spec: nothing unnamed, nothing invalid, words of each kind in their scopes. */
function checkSpec(name, text, pieces) {
  let layers = 0;
  for (const piece of pieces) {
    const at = `${name}:${piece.line}:${piece.column}: ${JSON.stringify(piece.text)}`;
    if (piece.text.trim() === "") continue;
    check(piece.scopes.length > 1, `${at} has no scope`);
    check(!is(piece, "invalid"), `${at} is invalid`);
    if (is(piece, "comment") || is(piece, "string")) continue;
    const word = piece.text.trim();
    if (/^[A-Z][A-Z0-9]+$/.test(word)) {
      const fits = ["support.function.layer", "entity.name.class.net", "entity.name.type.block", "variable.", "entity.name.label"];
      check(fits.some((scope) => is(piece, scope)), `${at} in capitals is ${last(piece)}`);
      layers += is(piece, "support.function.layer") ? 1 : 0;
    } else if (/^[A-Z]\w*[a-z]\w*$/.test(word)) {
      const fits = ["entity.name.type.block", "entity.name.class.net", "variable.", "support.function.shorthand"];
      check(fits.some((scope) => is(piece, scope)), `${at} in CapWords is ${last(piece)}`);
    } else if (/^(add|concat|mul|res|dense|split|highway|pick|absdiff|wsum|randwire)$/.test(word)) {
      check(is(piece, "entity.name.function.join"), `${at} is no join but ${last(piece)}`);
    } else if (word === "->") {
      check(is(piece, "keyword.operator.arrow"), `${at} is ${last(piece)}`);
    } else if (/^[0-9]/.test(word)) {
      check(is(piece, "constant.numeric"), `${at} is ${last(piece)}`);
    }
  }
  return layers;
}

// line, then what each of its words is, in order; words that are not listed are skipped.
const CASES = [
  ["archspec 1", { archspec: "storage.type", 1: "constant.numeric.version" }],
  ["# CONV -> add[a | b]", { "# CONV -> add[a | b]": "comment.line" }],
  ['import "blocks/heads.arch" as heads', { import: "keyword.control.import", heads: "entity.name.namespace" }],
  ['from "resnet.arch" import Bottleneck', { from: "keyword.control.import", Bottleneck: "entity.name.type.block" }],
  ["default CONV(bias=off)", { default: "storage.type", CONV: "support.function.layer", bias: "variable.parameter", off: "constant.language" }],
  ["let w = [g*round(v/g) for v in raw]", { let: "storage.type", w: "variable.other.constant", round: "support.function.value", for: "keyword.control", in: "keyword.operator.word" }],
  ["param POOL? = on in [on, off]", { param: "storage.type", POOL: "variable.parameter", "?": "keyword.operator.option", on: "constant.language" }],
  ["block J(c)[a, more...] = add[@a | @more[*]]", { block: "storage.type", J: "entity.name.type.block", a: "variable.parameter.port", "...": "keyword.operator.rest", add: "entity.name.function.join", "@": "punctuation.definition.tap" }],
  ["net B = A(c=4)", { net: "storage.type", B: "entity.name.class.net", A: "entity.name.class.net", c: "variable.parameter", 4: "constant.numeric" }],
  ["shared tower = CONV(8)", { shared: "storage.type", tower: "entity.name.function.shared" }],
  ["input image: 3x224x224, dtype=float32", { input: "storage.type", image: "variable.parameter.input", "3x224x224": "constant.numeric.sizes", dtype: "variable.parameter", float32: "variable.other" }],
  ["output a, p2 = @p[2]", { output: "storage.type", a: "entity.name.label.output", p: "variable.other.tap", 2: "constant.numeric" }],
  ['assert params < 5M, "why"', { assert: "keyword.control", params: "variable.other", "<": "keyword.operator.comparison", "5M": "constant.numeric.scaled", why: "string.quoted" }],
  ["for j in 0..3 { @x[j] -> CONV(4) as y[j] }", { for: "keyword.control", "..": "keyword.operator.range", x: "variable.other.tap", CONV: "support.function.layer", as: "keyword.control.as", y: "entity.name.label" }],
  ["INPUT -> [[CONV -> RELU]*N -> POOL?]*M", { INPUT: "support.function.layer", "->": "keyword.operator.arrow", "*": "keyword.operator.repeat", N: "variable.other.count", "?": "keyword.operator.option" }],
  ["conv3-64 -> FC-4096 -> maxpool3/2 -> maxpool", { "conv3-64": "support.function.shorthand", "FC-4096": "support.function.shorthand", "maxpool3/2": "support.function.shorthand", maxpool: "variable.other.step" }],
  ["-> concat(crop=center)[@e[i] | ID] -> Double(c)", { concat: "entity.name.function.join", crop: "variable.parameter", e: "variable.other.tap", "|": "punctuation.separator.branch", ID: "support.function.layer", Double: "entity.name.type.block" }],
  ["-> mean[AVGPOOL(b) for b in bins if b > 1 | ID if last]", { mean: "entity.name.function.join", for: "keyword.control", if: "keyword.", last: "variable.language", ID: "support.function.layer" }],
  ["-> heads.Dense(c) as small -> CONV(w[0], stride=s then 1)", { heads: "entity.name.namespace", Dense: "entity.name.type.block", as: "keyword.control.as", small: "entity.name.label", w: "variable.other", then: "keyword.operator.word" }],
  ["CONV(64) $ RELU", { $: "invalid.illegal" }],
];

function checkCase(grammar, [line, expected]) {
  const { pieces } = tokenise(grammar, line);
  for (const [word, scope] of Object.entries(expected)) {
    const found = pieces.filter((piece) => piece.text.trim() === word || (is(piece, "comment") && line === word));
    check(found.length > 0, `${line}: no piece is ${word}`);
    check(found.length === 0 || is(found[0], scope), `${line}: ${word} is ${found[0]?.scopes.join(" ")}, not ${scope}`);
  }
}

const grammar = await loadGrammar();
if (process.argv.length > 2) {
  for (const file of process.argv.slice(2)) {
    for (const { line, column, text, scopes } of tokenise(grammar, readFileSync(file, "utf8")).pieces) {
      if (text.trim()) console.log(`${file}:${line}:${column}\t${text.trim()}\t${scopes.slice(1).join(" ")}`);
    }
  }
} else {
  const files = specs(join(root, "specs"));
  let pieces = 0;
  let layers = 0;
  for (const file of files) {
    const text = readFileSync(file, "utf8");
    const name = relative(root, file);
    const result = tokenise(grammar, text);
    check(result.depth === 1, `${name}: a region is still open at the end`);
    pieces += result.pieces.length;
    layers += checkSpec(name, text, result.pieces);
  }
  CASES.forEach((one) => checkCase(grammar, one));
  for (const fault of faults.slice(0, 40)) console.error(fault);
  console.log(`${files.length} specs, ${pieces} pieces, ${layers} layers, ${CASES.length} cases, ${faults.length} faults`);
  process.exit(faults.length ? 1 : 0);
}
