// The documents name the tests that show what they say; those tests must exist. The links of the documents must lead somewhere.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { documents, publicHeaders, read, root, testNames } from "./documents.mjs";

const known = testNames();

/** The tests that a text names in backquotes, where it says "Test:" or is a cell of a column Test. */
function checkNames(text, where) {
  const names = [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1]);
  assert.notEqual(names.length, 0, `${where} names no test`);
  for (const name of names) assert.ok(known.has(name), `${where}: there is no test "${name}"`);
}

const cellsOf = (line) => line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim());

/** The tables of a document: {line, header, rows}. */
function tablesOf(document) {
  const lines = read(document).split("\n");
  const tables = [];
  for (const [index, line] of lines.entries()) {
    if (!/^\|[-| :]+\|$/.test(line)) continue;
    const rows = [];
    for (let at = index + 1; lines[at]?.startsWith("|"); ++at) rows.push({ line: at + 1, cells: cellsOf(lines[at]) });
    tables.push({ line: index, header: cellsOf(lines[index - 1]), rows });
  }
  return tables;
}

for (const document of ["docs/from-go.md", "docs/exceptions.md", "docs/limits.md", "docs/security.md"]) {
  test(`every row of ${document} is complete and names tests that exist`, () => {
    const tables = tablesOf(document);
    assert.notEqual(tables.length, 0);
    for (const { line, header, rows } of tables) {
      assert.equal(header.at(-1), "test", `${document}:${line}: the last column of the table is not "test"`);
      for (const { line, cells } of rows) {
        const where = `${document}:${line}`;
        assert.equal(cells.length, header.length, `${where}: the row has ${cells.length} cells, the table ${header.length}`);
        for (const cell of cells) assert.notEqual(cell, "", `${where} has an empty cell`);
        checkNames(cells.at(-1), where);
      }
    }
  });
}

test("every statement of docs/guarantees.md names tests that exist", () => {
  const statements = read("docs/guarantees.md").split(/^(?=- |## )/m).filter((part) => part.startsWith("- "));
  assert.ok(statements.length > 10);
  for (const statement of statements) {
    const [said, tests] = statement.split(/\bTests?: /);
    assert.ok(tests, `docs/guarantees.md names no test for: ${said.trim()}`);
    checkNames(tests.replace(/\s+/g, " "), `docs/guarantees.md, at "${said.slice(2, 50)}..."`);
  }
});

/** The numbers and times of all settings in the public headers: {struct, name}. */
function settings() {
  const found = [];
  for (const header of publicHeaders()) {
    for (const [, struct, body] of read(header).matchAll(/^struct (\w+(?:Config|Policy)|Limits|Timeouts|Drain) \{\n([\s\S]*?)^\};/gm))
      for (const [, name] of body.matchAll(/^ {4}(?:std::size_t|std::uint\d+_t|unsigned|std::chrono::\w+)\s+(\w+)\s*[={]/gm))
        found.push({ struct, name });
  }
  return found;
}

test("every number and time among the settings has a row in docs/limits.md", () => {
  const rows = tablesOf("docs/limits.md").flatMap(({ rows }) => rows.map(({ cells }) => cells[0])).join("\n");
  const all = settings();
  assert.ok(all.some(({ name }) => name === "message_bytes") && all.some(({ name }) => name === "drain_deadline"));
  for (const { struct, name } of all) {
    if (["port", "threads", "database"].includes(name)) continue; // no limits
    assert.match(rows, new RegExp(`\\b${name}\``), `docs/limits.md has no row for ${struct}::${name}`);
  }
});

test("the links of the documents lead to files that exist", () => {
  for (const document of documents) {
    const prose = read(document).replace(/^```[\s\S]*?^```/gm, "").replace(/`[^`\n]*`/g, "");
    for (const [, link] of prose.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      assert.ok(existsSync(join(root, dirname(document), link)), `${document} leads to ${link}, which is not there`);
    }
  }
});
