// The program and the page of README.md, as they stand there: built, run, and opened in a browser.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Browser, until } from "../browser/support.mjs";
import { freePort } from "../support/port.mjs";
import { compile, link, scratch } from "./compiler.mjs";
import { blocksOf } from "./documents.mjs";

test("the page of README.md shouts in the room of its program", async () => {
  const blocks = blocksOf("README.md");
  const [program] = blocks.filter((block) => block.language === "cpp");
  const [page] = blocks.filter((block) => block.language === "html");
  const port = await freePort();
  assert.match(program.text, /\.port = 8080\b/);
  const binary = link(compile("readme_server.cpp", program.text.replace(/\.port = 8080\b/, `.port = ${port}`)));
  const folder = join(scratch, "readme");
  mkdirSync(join(folder, "public"), { recursive: true });
  writeFileSync(join(folder, "public/index.html"), page.text);

  const server = spawn(binary, [], { cwd: folder, stdio: "inherit" });
  const ended = new Promise((resolve) => server.once("exit", resolve));
  const browser = await Browser.start();
  try {
    await until("the server", () => fetch(`http://localhost:${port}/healthz`).then(({ ok }) => ok, () => false));
    const window = await browser.window();
    const said = [];
    window.page.on("console", (message) => said.push(message.text()));
    await window.page.goto(`http://localhost:${port}/`);
    await until("the broadcast", () => said.includes("Ann hello"));
    await window.close();
  } finally {
    await browser.close();
    server.kill("SIGTERM");
    assert.equal(await ended, 0);
  }
});
