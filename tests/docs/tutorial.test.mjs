// Follows docs/tutorial.md: writes its files, runs its commands, and uses its page in a browser, in the order of the text.
// Two things differ from what a reader does: chain is installed from the build that is under test instead of being cloned and
// built anew (the block `run: elsewhere`), and the server's port is one that is free.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Browser, until } from "../browser/support.mjs";
import { freePort } from "../support/port.mjs";
import { cached, run, scratch } from "./compiler.mjs";
import { blocksOf, build } from "./documents.mjs";

const home = join(scratch, "home");
const project = join(home, "poll");

/** What the browser does each time that the text starts the server, in order. */
const VISITS = [visitPoll, visitPollWithAdvice];

let port, browser, server;

const environment = () => ({
  ...process.env,
  HOME: home,
  CXX: cached("CMAKE_CXX_COMPILER"),
  CMAKE_CXX_COMPILER_LAUNCHER: cached("CMAKE_CXX_COMPILER_LAUNCHER"),
  CXXFLAGS: `${cached("CMAKE_CXX_FLAGS")} -Wall -Wextra -Werror`,
});

/** Writes a block to its file: `NAME`, `NAME and more` at its end, `NAME before TEXT` or `NAME instead of TEXT` at that line. */
function write(block) {
  const [, name, place, text] = /^(\S+)(?: (and more|before|instead of) ?(.*))?$/.exec(block.mark.value);
  const path = join(project, name);
  const own = block.text.replaceAll("8080", port);
  mkdirSync(dirname(path), { recursive: true });
  if (!place) return writeFileSync(path, own);
  const lines = readFileSync(path, "utf8").split("\n");
  if (place === "and more") return writeFileSync(path, lines.join("\n") + own);
  const at = lines.findIndex((line) => line.trim().startsWith(text));
  assert.notEqual(at, -1, `${name} has no line that begins with ${text}`);
  lines.splice(at, place === "before" ? 0 : 1, ...own.replace(/\n$/, "").split("\n"));
  writeFileSync(path, lines.join("\n"));
}

async function whileServing(block, visit) {
  server = spawn("bash", ["-c", `exec ${block.text}`], { cwd: project, env: environment(), stdio: "inherit" });
  const ended = new Promise((resolve) => server.once("exit", resolve));
  try {
    await until("the server", () => fetch(`http://localhost:${port}/healthz`).then(({ ok }) => ok, () => false));
    await visit();
  } finally {
    server.kill("SIGTERM");
    assert.equal(await ended, 0);
  }
}

async function open() {
  const window = await browser.window();
  await window.page.goto(`http://localhost:${port}/`);
  return window;
}

const shows = (window, text) => window.page.locator("#votes", { hasText: text }).waitFor();

async function visitPoll() {
  const [ann, bob] = [await open(), await open()];
  await shows(ann, "tea 0, coffee 0");
  await ann.page.click("#tea");
  await shows(bob, "tea 1, coffee 0");
  await bob.page.click("#coffee");
  await ann.page.click("#coffee");
  await shows(bob, "tea 0, coffee 2");
  await ann.close();
  await shows(bob, "tea 0, coffee 1");
  assert.deepEqual(bob.problems, []);
  await bob.close();
}

async function visitPollWithAdvice() {
  const ann = await open();
  await ann.page.click("#tea");
  await shows(ann, "tea 1, coffee 0");
  await ann.page.click("#advice");
  await ann.page.locator("#advice", { hasText: /^tea$/ }).waitFor();
  assert.equal((await fetch(`http://localhost:${port}/socket/sse?sid=old`)).status, 403);
  assert.deepEqual(ann.problems, []);
  await ann.close();
}

describe("the tutorial", () => {
  before(async () => {
    rmSync(home, { recursive: true, force: true });
    mkdirSync(project, { recursive: true });
    run(["cmake", "--install", build, "--prefix", join(home, "chain-prefix")]);
    port = await freePort();
    browser = await Browser.start();
  });
  after(() => browser?.close());

  const visits = [...VISITS];
  for (const block of blocksOf("docs/tutorial.md")) {
    const { key, value } = block.mark ?? {};
    test(`line ${block.line}: ${key} ${value}`, async () => {
      if (key === "file") write(block);
      else if (key === "run" && value === "here") run(["bash", "-euc", block.text], { cwd: project, env: environment() });
      else if (key === "run" && value === "server") await whileServing(block, visits.shift());
      else assert.deepEqual([key, value], ["run", "elsewhere"]);
    });
  }

  test("the text has started the server as often as it was visited", () => assert.equal(visits.length, 0));
});
