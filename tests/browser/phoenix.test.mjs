// The npm package `phoenix`, as it is published, in Chromium, against a chain server.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { openTab, PHOENIX_JS } from "./phoenix_tab.mjs";
import { Browser, PhoenixServer, problemsOf, until } from "./support.mjs";

let server, browser;
before(async () => {
  [server, browser] = await Promise.all([PhoenixServer.start(), Browser.start()]);
});
after(async () => {
  await browser.close();
  await server.stop();
});

const tab = (options = {}) => openTab(browser, server, options);

test("phoenix.js joins, is refused, and is answered in each way", async () => {
  const ann = await tab({ params: { user: "ann" } });
  assert.equal((await ann.join("room:a"))[0], "ok");
  assert.deepEqual(await ann.join("room:no", { refuse: "not you" }), ["error", { reason: "not you" }]);
  assert.deepEqual(await ann.join("other:a"), ["error", { reason: "unmatched topic" }]);
  assert.deepEqual(await ann.push("room:a", "echo", { n: 1 }), ["ok", { n: 1 }]);
  assert.deepEqual(await ann.push("room:a", "fail", { n: 2 }), ["error", { n: 2 }]);
  assert.deepEqual((await ann.push("room:a", "silent", {}, 200))[0], "timeout");
  await ann.close();
});

test("two pages hear each other, and the server", async () => {
  const [ann, bob] = await Promise.all([tab(), tab()]);
  await Promise.all([ann.join("room:talk"), bob.join("room:talk")]);
  await ann.push("room:talk", "say", { text: "hello" });
  await Promise.all([ann.tells(["said", { text: "hello" }]), bob.tells(["said", { text: "hello" }])]);
  await bob.push("room:talk", "push back", { n: 1 }, 100);
  await bob.tells(["pushed", { n: 1 }]);
  assert.ok(!(await ann.told()).some(([event]) => event === "pushed"));
  await Promise.all([ann.close(), bob.close()]);
});

test("leaving, crashing and joining twice", async () => {
  const ann = await tab();
  await ann.join("room:a");
  assert.equal((await ann.leave("room:a"))[0], "ok");
  await ann.tells(["left", "room:a"]);
  await ann.join("room:b");
  await ann.push("room:b", "crash", {}, 100);
  await ann.tells(["error", { reason: "channel_crash" }]);
  await until("the rejoin", async () => (await ann.state("room:b")) === "joined");
  await ann.join("room:b");
  await ann.tells(["left", "room:b"]);
  assert.deepEqual(await ann.push("room:b", "echo", { n: 3 }), ["ok", { n: 3 }]);
  await ann.close();
});

test("bytes go both ways in a browser", async () => {
  const [ann, bob] = await Promise.all([tab(), tab()]);
  assert.deepEqual(await ann.join("room:bytes", { bytes: true }), ["ok", { bytes: [1, 2, 3, 4] }]);
  await bob.join("room:bytes");
  assert.deepEqual(await ann.push("room:bytes", "echo", { bytes: [0, 255] }), ["ok", { bytes: [0, 255] }]);
  await ann.push("room:bytes", "say", { bytes: [5, 6] });
  await bob.tells(["said", { bytes: [5, 6] }]);
  await Promise.all([ann.close(), bob.close()]);
});

test("a browser's token arrives, and Chromium accepts the subprotocol", async () => {
  const visitor = await browser.window();
  await visitor.page.goto(server.url);
  await visitor.page.addScriptTag({ path: PHOENIX_JS });
  const who = await visitor.page.evaluate(() => new Promise((resolve, reject) => {
    const socket = new window.Phoenix.Socket("/socket", { authToken: "~~>secret", params: { user: "ann" } });
    socket.connect();
    const channel = socket.channel("room:a");
    channel.join().receive("error", reject);
    channel.push("who", {}).receive("ok", resolve).receive("error", reject);
  }));
  assert.deepEqual(who, { user: "ann", token: "~~>secret" });
  assert.deepEqual(problemsOf([visitor]), []);
  assert.ok(visitor.requests.filter((url) => url.startsWith("ws")).every((url) => !url.includes("secret")));
  await visitor.close();
});

test("a page comes back and rejoins when the server has restarted", async () => {
  const ann = await tab({ outage: true });
  await ann.join("room:a");
  await server.stop();
  await ann.tells(["closed", 1012]);
  await server.start();
  await until("the rejoin", async () => (await ann.state("room:a")) === "joined");
  assert.deepEqual(await ann.push("room:a", "echo", { n: 4 }), ["ok", { n: 4 }]);
  await ann.close();
});
