// The chat over server-sent events, where WebSockets do not get through; and a page that behaves as old clients do.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { Proxy } from "./proxy.mjs";
import { Browser, ChatServer, problemsOf, until } from "./support.mjs";

const overSse = (visitor) => visitor.requests.some((url) => url.includes("/socket/sse"));

describe("the chat without WebSockets", () => {
  let server, proxy, browser, visitors;

  before(async () => {
    server = await ChatServer.start();
    browser = await Browser.start();
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });
  beforeEach(async () => {
    visitors = [];
    proxy = await Proxy.start(server.url);
  });
  afterEach(async () => {
    const problems = problemsOf(visitors, { outage: true });
    await Promise.all(visitors.map((visitor) => visitor.close()));
    await proxy.stop();
    assert.deepEqual(problems, [], "a page reported errors");
  });

  async function visitor(name, room, through = proxy, prepare = () => undefined) {
    const window = await browser.window();
    visitors.push(window);
    await prepare(window.page);
    await window.open(through, room);
    await window.enterAs(name);
    await window.isIn(room);
    return window;
  }

  /** Both say things in turns and together, and both see all of it, in the same order. */
  async function converse(one, two) {
    await one.say("hello");
    await two.sees("hello", "Ada");
    await two.say("hello to you");
    await one.sees("hello to you", "Grace");
    for (let i = 1; i <= 10; ++i) await one.say(`number ${i}.`);
    await two.sees("number 10.", "Ada");
    const texts = ["hello", "hello to you", ...Array.from({ length: 10 }, (_, i) => `number ${i + 1}.`)];
    assert.deepEqual(await two.messages(), texts);
    assert.deepEqual(await one.messages(), texts);
    await one.seesPeople("Ada", "Grace");
    await two.seesPeople("Grace", "Ada");
  }

  test("two windows chat when a proxy refuses their WebSockets", async () => {
    const ada = await visitor("Ada", "refused");
    const grace = await visitor("Grace", "refused");
    await converse(ada, grace);
    assert.ok(overSse(ada) && overSse(grace));
    assert.ok(proxy.upgrades >= 4, "WebSockets were tried");
  });

  test("two windows chat when a proxy does not answer their WebSockets", async () => {
    const silent = await Proxy.start(server.url, { silent: true });
    try {
      const [ada, grace] = await Promise.all([visitor("Ada", "silent", silent), visitor("Grace", "silent", silent)]);
      await converse(ada, grace);
      assert.ok(overSse(ada) && overSse(grace));
    } finally {
      await silent.stop();
    }
  });

  test("two windows chat where the browser has no WebSocket", async () => {
    const without = (page) => page.addInitScript(() => (window.WebSocket = undefined));
    const ada = await visitor("Ada", "none", server, without);
    const grace = await visitor("Grace", "none", server, without);
    await converse(ada, grace);
    assert.ok(overSse(ada) && overSse(grace));
  });

  test("a window over SSE and one over WebSocket are in the same room", async () => {
    const ada = await visitor("Ada", "mixed");
    const grace = await visitor("Grace", "mixed", server);
    await converse(ada, grace);
    assert.ok(overSse(ada));
    assert.ok(!overSse(grace));
  });

  test("what works is remembered when the page is loaded again, and the tab's session goes on", async () => {
    const ada = await visitor("Ada", "again");
    const grace = await visitor("Grace", "again");
    const sid = () => new URL(ada.requests.findLast((url) => url.includes("/socket/sse"))).searchParams.get("sid");
    const [before, upgrades] = [sid(), proxy.upgrades];
    ada.requests.length = 0;
    await ada.page.reload();
    await ada.isIn("again");
    await ada.say("back at once");
    await grace.sees("back at once", "Ada");
    assert.equal(proxy.upgrades, upgrades, "no WebSocket was tried");
    assert.equal(sid(), before);
  });

  test("a copy of a tab has a session of its own", async () => {
    const ada = await visitor("Ada", "copies");
    const [copy] = await Promise.all([ada.context.waitForEvent("page"), ada.page.evaluate(() => void window.open(location.href))]);
    const opened = await copy.waitForRequest((request) => request.url().includes("/socket/sse") && request.method() === "GET");
    const [mine, its] = [ada.requests.find((url) => url.includes("/socket/sse")), opened.url()].map((url) => new URL(url).searchParams.get("sid"));
    assert.notEqual(its, mine);
    await ada.say("still here");
    await ada.sees("still here");
  });

  test("after a break the windows come back, and what was written meanwhile arrives once", async () => {
    const ada = await visitor("Ada", "break");
    const grace = await visitor("Grace", "break");
    await converse(ada, grace);
    proxy.away = true;
    proxy.breakStreams();
    for (const window of [ada, grace]) await window.page.getByRole("status").filter({ hasText: "Reconnecting" }).waitFor();
    await ada.say("while away");
    proxy.away = false;
    await grace.sees("while away", "Ada");
    await ada.say("and after");
    await grace.sees("and after", "Ada");
    assert.deepEqual((await grace.messages()).slice(-2), ["while away", "and after"]);
    assert.equal((await grace.messages()).length, 14);
    for (const window of [ada, grace]) window.problems = window.problems.filter((text) => !/ERR_(EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING|CONNECTION_\w+)/.test(text));
  });
});

/** What old copies of the client do, as far as a server sees it: run in the page. */
function oldClient() {
  const sid = (sessionStorage.sid ??= Math.random().toString(36).slice(2, 8));
  const client = { frames: [], posts: 0, errors: 0, joinRef: 0, ref: 0, topic: undefined, joined: false };
  client.send = (event, payload, ref = ++client.ref) => {
    client.posts++;
    const body = JSON.stringify([0, client.joinRef, ref, client.topic, event, payload]);
    const headers = { "content-type": "application/json" };
    client.posted = fetch(`/socket/sse?sid=${sid}`, { method: "POST", headers, credentials: "include", body }); // the result is ignored
    return ref;
  };
  client.join = (topic, params) => {
    client.topic = topic;
    client.params = params;
    client.joinRef = ++client.ref;
    client.joined = false;
    client.send("_join", params, client.joinRef);
  };
  client.open = () => {
    client.source = new EventSource(`/socket/sse?sid=${sid}`, { withCredentials: true });
    client.source.onopen = () => client.topic && client.join(client.topic, client.params); // joins anew after each reconnect
    client.source.onerror = () => {
      client.errors++;
      client.joined = false;
    };
    client.source.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      if (!Array.isArray(frame)) throw new Error(`not a frame: ${data}`);
      client.frames.push(frame);
      if (frame[0] === 1 && frame[1] === client.joinRef && frame[2] === client.joinRef) client.joined = frame[3] === 0;
      if (frame[0] === 0 && frame[4] === "_close" && (frame[1] === 0 || frame[1] === client.joinRef)) client.joined = false;
    };
  };
  client.texts = () => client.frames.filter(([kind, , event]) => kind === 2 && event === "message").map((frame) => frame[3].text);
  window.client = client;
}

describe("a page with an old client", () => {
  let server, proxy, browser, windows;

  before(async () => {
    server = await ChatServer.start();
    browser = await Browser.start();
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });
  beforeEach(async () => {
    windows = [];
    proxy = await Proxy.start(server.url);
  });
  afterEach(async () => {
    await Promise.all(windows.map((window) => window.close()));
    await proxy.stop();
  });

  /** A page of the server's, with nothing in it but the client. */
  async function page(name, room) {
    const window = await browser.window();
    windows.push(window);
    await window.page.goto(`${proxy.url}icon.svg`);
    await enter(window.page, name, room);
    return window.page;
  }

  async function enter(page, name, room) {
    await page.evaluate(oldClient);
    await page.evaluate(() => window.client.open());
    await page.waitForFunction(() => window.client.source.readyState === 1);
    await page.evaluate(([topic, params]) => window.client.join(topic, params), [`chat:${room}`, { name, key: name }]);
    await page.waitForFunction(() => window.client.joined);
  }

  const say = (page, text) => page.evaluate((message) => window.client.send("message", message), { id: text, text });
  const texts = (page) => page.evaluate(() => window.client.texts());
  const see = (page, ...wanted) =>
    until(`the messages ${wanted}`, async () => (await texts(page)).join("|") === wanted.join("|"));

  test("joins, pushes, gets replies and broadcasts", async () => {
    const [ann, bob] = [await page("Ann", "old"), await page("Bob", "old")];
    const ref = await say(ann, "hello");
    await see(bob, "hello");
    await until("the reply", () => ann.evaluate((wanted) => window.client.frames.some(([kind, , at]) => kind === 1 && at === wanted), ref));
  });

  test("comes back by itself after a break, joins anew, and has missed nothing", async () => {
    const [ann, bob] = [await page("Ann", "back"), await page("Bob", "back")];
    const cy = await browser.visitor(server, "Cy", "back");
    windows.push(cy);
    proxy.away = true;
    proxy.breakStreams();
    for (const one of [ann, bob]) await one.waitForFunction(() => window.client.errors > 0);
    await cy.say("meanwhile");
    await cy.sees("meanwhile");
    proxy.away = false;
    for (const one of [ann, bob]) await one.waitForFunction(() => window.client.joined);
    await say(bob, "after");
    await see(ann, "meanwhile", "after");
    await see(bob, "meanwhile", "after");
  });

  test("keeps its tab over a reload, and may join with the same ref", async () => {
    const [ann, bob] = [await page("Ann", "reload"), await page("Bob", "reload")];
    const sid = await ann.evaluate(() => sessionStorage.sid);
    await ann.reload();
    await enter(ann, "Ann", "reload");
    assert.equal(await ann.evaluate(() => sessionStorage.sid), sid);
    await say(bob, "one");
    await see(ann, "one");
    const frames = await ann.evaluate(() => window.client.frames);
    assert.ok(!frames.some((frame) => frame[0] === 0 && frame[4] === "_close"), "a _close would end the new membership");
    assert.equal(await ann.evaluate(() => window.client.joined), true);
  });

  test("is joined still when its _leave arrives after the _join that followed", async () => {
    const [ann, bob] = [await page("Ann", "late"), await page("Bob", "late")];
    const old = await ann.evaluate(() => {
      const { joinRef, topic, params } = window.client;
      window.client.join(topic, params);
      return joinRef;
    });
    await ann.waitForFunction(() => window.client.joined);
    await ann.evaluate(async (joinRef) => {
      const now = window.client.joinRef;
      window.client.joinRef = joinRef;
      window.client.send("_leave", {});
      window.client.joinRef = now;
      await window.client.posted;
    }, old);
    await say(bob, "one");
    await see(ann, "one");
  });
});
