// The cluster example: its page behind a round-robin proxy, with three nodes that are stopped and started.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Browser, builtProgram, ChatServer, PHONE, problemsOf, until } from "../support.mjs";

const supervisor = fileURLToPath(new URL("../../../examples/cluster/cluster.mjs", import.meta.url));

/** Broker, nodes and proxy, in a folder of their own. */
class ClusterServer extends ChatServer {
  folder = mkdtempSync(join(tmpdir(), "chain-cluster-"));

  static program() {
    return process.execPath;
  }

  words() {
    return [supervisor, builtProgram("the cluster example", "examples/cluster/cluster", "CHAIN_CLUSTER_BIN"), this.folder, "redis", "0"];
  }

  async stop() {
    const code = await super.stop();
    rmSync(this.folder, { recursive: true });
    return code;
  }
}

describe("the cluster example", () => {
  let server, browser, visitors;

  before(async () => {
    server = await ClusterServer.start();
    browser = await Browser.start();
  });
  after(async () => {
    await browser?.close();
    assert.equal(await server?.stop(), 0, "everything ends with the supervisor");
  });
  beforeEach(() => (visitors = []));
  afterEach(async () => {
    const problems = problemsOf(visitors, { outage: true });
    await Promise.all(visitors.map((visitor) => visitor.close()));
    assert.deepEqual(problems, [], "a page reported errors");
  });

  async function visitor(name, options, transport = "websocket") {
    const window = await browser.window(options);
    visitors.push(window);
    await window.page.goto(`${server.url}?name=${name}&transport=${transport}`);
    await nodeOf(window);
    return window;
  }

  /** The node that a page says it is on. */
  async function nodeOf({ page }) {
    const status = page.getByRole("status").filter({ hasText: /you are on node [abc]/ });
    await status.waitFor();
    return (await status.textContent()).at(-1);
  }

  const card = ({ page }, node) => page.locator(`.node[data-node="${node}"]`);
  const press = ({ page }, verb, node) => page.getByRole("button", { name: `${verb} node ${node}` }).click();

  test("visitors on different nodes hear one another, and see which node each message came from", async () => {
    const three = [await visitor("Ada"), await visitor("Ben"), await visitor("Cleo", PHONE)];
    const nodes = await Promise.all(three.map(nodeOf));
    for (let more = 1; new Set(nodes).size === 1; more++) { // the proxy takes turns with all requests, not with windows
      for (let i = 0; i < more; i++) await fetch(server.url);
      await three[2].page.reload();
      nodes[2] = await nodeOf(three[2]);
    }
    for (const [i, { page }] of three.entries()) {
      await page.getByLabel("Your message").fill(`hello ${i}`);
      await page.getByRole("button", { name: "Say" }).click();
    }
    for (const { page } of three) {
      for (const i of three.keys()) {
        const message = page.locator(".message", { has: page.locator(".text", { hasText: `hello ${i}` }) });
        await message.waitFor();
        assert.equal(await message.locator(".badge").textContent(), `node ${nodes[i]}`);
      }
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "the page is wider than its window");
    }
    if (process.env.CHAIN_SCREENSHOTS)
      for (const [i, kind] of [[0, "desktop"], [2, "phone"]])
        await three[i].page.screenshot({ path: join(process.env.CHAIN_SCREENSHOTS, `cluster-${kind}.png`) });
  });

  test("a stopped node's visitors go on at another one, and a started one is heard again", async () => {
    const ada = await visitor("Ada");
    const old = await nodeOf(ada);
    await press(ada, "Stop", old);
    await card(ada, old).locator(".state", { hasText: "is stopped" }).waitFor();
    await until("another node", async () => (await nodeOf(ada)) !== old);

    const beats = () => card(ada, old).locator(".beats").textContent();
    const before = await beats(); // of a stopped node: it stays
    await press(ada, "Start", old);
    await until("its beats again", async () => (await beats()) !== before);
    await ada.page.getByLabel("Your message").fill("still here");
    await ada.page.getByLabel("Your message").press("Enter");
    await ada.page.locator(".text", { hasText: "still here" }).waitFor();
  });

  test("over server-sent events, too, whose POSTs reach any node, nothing is lost", async () => {
    const ada = await visitor("Ada", undefined, "sse");
    const node = await nodeOf(ada);
    for (let i = 0; i < 6; ++i) {
      await ada.page.getByLabel("Your message").fill(`number ${i}`);
      await ada.page.getByLabel("Your message").press("Enter");
    }
    await ada.page.locator(".message").nth(5).waitFor();
    assert.deepEqual(await ada.page.locator(".text").allTextContents(), [5, 4, 3, 2, 1, 0].map((i) => `number ${i}`));
    assert.deepEqual(await ada.page.locator(".badge").allTextContents(), Array(6).fill(`node ${node}`));
  });

  test("only the page itself may stop nodes", async () => {
    const url = `${server.url}nodes/a/stop`;
    for (const origin of [undefined, "null", "http://evil.example"])
      assert.equal((await fetch(url, { method: "POST", headers: origin ? { origin } : {} })).status, 403);
    assert.equal((await fetch(`${server.url}nodes/x/stop`, { method: "POST" })).status, 404);
    assert.deepEqual((await (await fetch(`${server.url}nodes`)).json()).map((node) => node.name), ["a", "b", "c"]);
  });
});
