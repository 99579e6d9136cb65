// What the tests of the documents share: the code blocks of the Markdown files, and the names of all tests.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));
export const build = process.env.CHAIN_BUILD_DIR ?? join(root, "build/dev");

export const read = (file) => readFileSync(join(root, file), "utf8");

function filesIn(folder, ending) {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) return entry.name === "node_modules" ? [] : filesIn(path, ending);
      return entry.name.endsWith(ending) ? [path] : [];
    })
    .sort();
}

/** The Markdown files whose code blocks are tested. */
export const documents = ["README.md", ...["docs", "examples", "benchmarks", "packaging"].flatMap((folder) => filesIn(folder, ".md"))];

/** The headers that applications include. */
export const publicHeaders = () => filesIn("include/chain", ".hpp").filter((path) => !/^include\/chain\/(detail|impl)\//.test(path));

/**
 * The fenced code blocks of a document. `mark` is what a comment `<!-- KEY: VALUE -->` in the line before the block
 * says about how it is tested: {key, value}, or nothing.
 */
export function blocksOf(document) {
  const lines = read(document).split("\n");
  const blocks = [];
  let block;
  for (const [index, line] of lines.entries()) {
    const fence = /^\s*```(\S*)\s*$/.exec(line);
    if (!fence) {
      block?.lines.push(line);
    } else if (block) {
      blocks.push({ ...block, text: block.lines.join("\n") + "\n" });
      block = undefined;
    } else {
      const mark = /^\s*<!-- ([a-z]+): (.+) -->$/.exec(lines[index - 1] ?? "");
      block = { document, language: fence[1], line: index + 2, lines: [], mark: mark ? { key: mark[1], value: mark[2] } : undefined };
    }
  }
  if (block) throw new Error(`${document}:${block.line}: this block does not end`);
  return blocks;
}

/** Where a block stands, for messages. */
export const placeOf = (block) => `${block.document}:${block.line}`;

/** The names of all tests: of Catch2, of Node.js, and of CTest. */
export function testNames() {
  const names = new Set();
  for (const file of filesIn("tests", "_test.cpp")) {
    for (const [, strings] of read(file).matchAll(/\bTEST_CASE\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)/g))
      names.add([...strings.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1]).join("").replace(/\\(.)/g, "$1"));
  }
  for (const file of [...filesIn("tests", ".test.mjs"), ...filesIn("client/tests", ".test.mjs")])
    for (const [, name] of read(file).matchAll(/^\s*test\("((?:[^"\\]|\\.)*)"/gm)) names.add(name.replace(/\\(.)/g, "$1"));
  for (const file of filesIn("tests", "CMakeLists.txt"))
    for (const [, name] of read(file).matchAll(/\badd_test\(NAME ([\w-]+)/g)) names.add(name);
  return names;
}
