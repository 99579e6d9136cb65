// Every code block of the documents is compiled, configured, run or checked. How is said by its language, and where that is
// not enough by a comment in the line before it:
//
//   <!-- in: set_up.cpp -->      the block stands in place of the line BLOCK of tests/docs/contexts/set_up.cpp; all such blocks
//                                of a document are compiled as one file
//   <!-- from: examples/... -->  the block is an excerpt of that file, word for word but for its indentation
//   <!-- file: NAME -->          the block is a file of the project that the document builds up, and
//   <!-- run: NAME -->           is run by it (or `elsewhere`: only checked): another test follows such a document (tests/docs/tutorial.test.mjs)
//
// A C++ block without a comment is a whole program. What has no rule fails.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import vm from "node:vm";
import { cached, compile, run, scratch } from "./compiler.mjs";
import { blocksOf, documents, placeOf, read, root } from "./documents.mjs";

// Programs that shell blocks may name although they are not here, and why.
const ELSEWHERE = new Map([
  ["vcpkg", "a package manager of its own; packaging/README.md says what is checked without it"],
  ["conan", "the same"],
  ["nats", "the command line of NATS; the line after it says the same in NATS' own protocol"],
]);

// Documents whose blocks make up a project, and the test that follows them.
const FOLLOWED = new Map([["docs/tutorial.md", "tests/docs/tutorial.test.mjs"]]);

const indentation = (line) => /^\s*/.exec(line)[0].length;

/** The text without the indentation that all of its lines share, and without spaces at the ends of lines. */
function flush(text) {
  const lines = text.split("\n").map((line) => line.trimEnd());
  const least = Math.min(...lines.filter((line) => line !== "").map(indentation));
  return lines.map((line) => line.slice(least)).join("\n").trim();
}

/** Is the block an excerpt of the file? */
function isExcerpt(block, file) {
  const wanted = flush(block.text);
  const lines = read(file).split("\n");
  const count = wanted.split("\n").length;
  return lines.some((_, at) => flush(lines.slice(at, at + count).join("\n")) === wanted);
}

/** A C++ text whose errors are reported at the block's place in the document. */
const located = (block) => `#line ${block.line} "${block.document}"\n${block.text}`;

/** One file of all the document's blocks that stand in contexts, each in a namespace of its own. */
function gathered(blocks) {
  const includes = new Set();
  const parts = blocks.map((block, index) => {
    const context = read(`tests/docs/contexts/${block.mark.value}`);
    const [before, after] = context.split(/^ *\/\/ BLOCK$/m);
    const own = located(block).replace(/^#include .*$/gm, (line) => {
      includes.add(line);
      return "";
    });
    for (const [line] of before.matchAll(/^#include .*$/gm)) includes.add(line);
    return `namespace block_${index} {\n${before.replace(/^#include .*$/gm, "")}\n${own}${after}\n}`;
  });
  return `${[...includes].join("\n")}\n${parts.join("\n")}\n`;
}

const fileName = (block) => placeOf(block).replace(/[^\w]+/g, "_");

function checkCMake(block) {
  const folder = join(scratch, `${fileName(block)}_project`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const context = block.mark?.value ?? "CMakeLists.txt";
  writeFileSync(join(folder, "CMakeLists.txt"), read(`tests/docs/contexts/${context}`).replace("@BLOCK@", block.text));
  writeFileSync(join(folder, "main.cpp"), "int main() {}\n");
  symlinkSync(root, join(folder, "chain"));
  run(["cmake", "-S", folder, "-B", join(folder, "build"), "-G", "Ninja", `-DCMAKE_CXX_COMPILER=${cached("CMAKE_CXX_COMPILER")}`]);
}

/** The commands of a shell block, one a line, without what follows a program's first word that is no path of the repository. */
function checkShell(block) {
  run(["bash", "-n", "-c", block.text]);
  const presets = JSON.parse(read("CMakePresets.json")).configurePresets.map((preset) => preset.name);
  for (const line of block.text.replace(/\\\n/g, " ").split("\n")) {
    for (const command of line.replace(/#.*$/, "").split(/&&|\|\|?|;/)) {
      const words = command.trim().split(/\s+/).filter((word) => !/^[A-Z_]+=/.test(word));
      if (words[0]) checkProgram(words[0], line);
      for (const [, preset] of command.matchAll(/--preset[= ](\S+)/g))
        assert.ok(presets.includes(preset), `there is no preset ${preset}: ${line}`);
      for (const word of words.filter((word) => /^(scripts|packaging|examples|tests|benchmarks|client|docs)\//.test(word)))
        assert.ok(existsSync(join(root, word)), `there is no file ${word}: ${line}`);
    }
  }
}

function checkProgram(name, line) {
  if (ELSEWHERE.has(name)) return;
  const built = /^build\/[^/]+\/(examples|benchmarks)\/(\w+)\/\w+$/.exec(name);
  if (built) return assert.ok(existsSync(join(root, built[1], built[2])), `nothing builds ${name}: ${line}`);
  const single = /^build\/[^/]+\/(benchmarks\/\w+)$/.exec(name); // of one file
  if (single) return assert.ok(existsSync(join(root, `${single[1]}.cpp`)), `nothing builds ${name}: ${line}`);
  if (name.includes("/")) return assert.ok(existsSync(join(root, name)), `there is no file ${name}: ${line}`);
  run(["bash", "-c", 'command -v "$0"', name]);
}

function checkScript(text, place, type) {
  if (type !== "module") return new vm.Script(text, { filename: place });
  run(["node", "--input-type=module", "--check"], { input: text, stdio: ["pipe", "pipe", "pipe"] });
}

function checkHtml(block) {
  const scripts = [...block.text.matchAll(/<script([^>]*)>([\s\S]*?)<\/script>/g)];
  for (const [, attributes, text] of scripts) checkScript(text, placeOf(block), /type="module"/.test(attributes) ? "module" : "script");
}

// What is done with a block that has no comment before it, or an `in`.
const CHECKS = {
  cmake: checkCMake,
  sh: checkShell,
  html: checkHtml,
  js: (block) => checkScript(block.text, placeOf(block), /^\s*(import|export) /m.test(block.text) ? "module" : "script"),
  json: (block) => JSON.parse(block.text),
  cpp: (block) => compile(`${fileName(block)}.cpp`, located(block)),
  text: () => {}, // what a program prints
};

function check(block) {
  if (block.mark?.key === "from") {
    assert.ok(isExcerpt(block, block.mark.value), `${placeOf(block)} is no excerpt of ${block.mark.value}`);
  } else if (block.mark?.key === "file" || block.mark?.key === "run") {
    assert.ok(FOLLOWED.has(block.document), `${placeOf(block)}: no test follows this document`);
    if (block.mark.value === "elsewhere") checkShell(block);
  } else {
    assert.ok(CHECKS[block.language], `${placeOf(block)}: there is no rule for a block of "${block.language}"; tests/docs/blocks.test.mjs says which there are`);
    CHECKS[block.language](block);
  }
}

for (const document of documents) {
  const blocks = blocksOf(document);
  const inContext = blocks.filter((block) => block.language === "cpp" && block.mark?.key === "in");
  describe(document, () => {
    for (const block of blocks.filter((block) => !inContext.includes(block))) test(`the ${block.language} block in line ${block.line}`, () => check(block));
    if (inContext.length > 0) test("the blocks that stand in contexts", () => compile(`${document.replace(/[^\w]+/g, "_")}.cpp`, gathered(inContext)));
  });
}

test("what follows the documents exists", () => {
  for (const [document, follower] of FOLLOWED) assert.ok(existsSync(join(root, document)) && existsSync(join(root, follower)));
});
