// The npm package `phoenix`, as it is published, in Chromium over long-polling, and where it falls back to that.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { openTab } from "./phoenix_tab.mjs";
import { Proxy } from "./proxy.mjs";
import { Browser, PhoenixServer, until } from "./support.mjs";

let server, browser;
before(async () => {
  [server, browser] = await Promise.all([PhoenixServer.start(), Browser.start()]);
});
after(async () => {
  await browser?.close();
  await server.stop();
});

const tab = ({ through = server, ...options } = {}) => openTab(browser, through, options);
const polled = ({ visitor }) => visitor.requests.some((url) => url.includes("/socket/longpoll"));

test("pages that poll join, are answered, hear each other and leave", async () => {
  const [ann, bob, web] = await Promise.all([tab({ polls: true }), tab({ polls: true }), tab()]);
  for (const one of [ann, bob, web]) assert.equal((await one.join("room:talk"))[0], "ok");
  assert.deepEqual(await ann.join("room:no", { refuse: "not you" }), ["error", { reason: "not you" }]);
  assert.deepEqual(await ann.push("room:talk", "echo", { n: 1 }), ["ok", { n: 1 }]);
  for (const [from, text] of [[ann, "one"], [web, "two"], [bob, "three"]]) {
    await from.push("room:talk", "say", { text });
    for (const one of [ann, bob, web]) await one.tells(["said", { text }]);
  }
  await bob.push("room:talk", "push back", { n: 1 }, 100);
  await bob.tells(["pushed", { n: 1 }]);
  assert.equal((await ann.leave("room:talk"))[0], "ok");
  await ann.tells(["left", "room:talk"]);
  assert.ok(polled(ann) && polled(bob) && !polled(web));
  for (const one of [ann, bob, web]) await one.close();
});

for (const silent of [false, true]) {
  const how = silent ? "does not answer" : "refuses";
  test(`phoenix.js falls back to polling behind a proxy that ${how} WebSockets, and remembers it`, async () => {
    const proxy = await Proxy.start(server.url, { silent });
    try {
      const ann = await tab({ through: proxy, outage: true, longPollFallbackMs: 500 });
      assert.equal((await ann.join("room:fallback"))[0], "ok");
      assert.deepEqual(await ann.push("room:fallback", "echo", { n: 1 }), ["ok", { n: 1 }]);
      assert.ok(proxy.upgrades > 0, "a WebSocket was tried");
      assert.ok(polled(ann));
      assert.equal(await ann.visitor.page.evaluate(() => sessionStorage["phx:fallback:LongPoll"]), "true");
      await ann.close();
    } finally {
      await proxy.stop();
    }
  });
}

test("phoenix.js stays with WebSockets where they get through, whatever the fallback", async () => {
  const ann = await tab({ longPollFallbackMs: 10_000 });
  await ann.join("room:a");
  // Its fallback waits for an answer to a heartbeat of the WebSocket; then no timer for it runs any more.
  await until("the answer", () => ann.visitor.page.evaluate(() => window.test.socket.primaryPassedHealthCheck));
  assert.deepEqual(await ann.push("room:a", "echo", { n: 1 }), ["ok", { n: 1 }]);
  assert.ok(!polled(ann));
  await ann.close();
});

test("a page that polls comes back and rejoins when the server has restarted", async () => {
  const ann = await tab({ polls: true, outage: true });
  await ann.join("room:a");
  await server.stop();
  await until("the close", async () => (await ann.told()).some(([what]) => what === "closed"));
  await server.start();
  await until("the rejoin", async () => (await ann.state("room:a")) === "joined");
  assert.deepEqual(await ann.push("room:a", "echo", { n: 4 }), ["ok", { n: 4 }]);
  await ann.close();
});
