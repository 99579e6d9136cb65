// The chat's page while its server is gone: it says so, keeps what is written, and goes on afterwards.

import assert from "node:assert/strict";
import { after, before, beforeEach, afterEach, describe, test } from "node:test";
import { Browser, ChatServer, problemsOf, until } from "./support.mjs";

describe("an outage", () => {
  let server, browser, ada, grace;

  before(async () => {
    browser = await Browser.start();
  });
  after(() => browser?.close());
  beforeEach(async () => {
    server = ada = grace = undefined;
    server = await ChatServer.start();
    ada = await browser.visitor(server, "Ada", "harbour");
    grace = await browser.visitor(server, "Grace", "harbour");
    await ada.say("before");
    await grace.sees("before", "Ada");
  });
  afterEach(async () => {
    const visitors = [ada, grace].filter(Boolean);
    const problems = problemsOf(visitors, { outage: true });
    await Promise.all(visitors.map((visitor) => visitor.close()));
    await server?.stop();
    assert.deepEqual(problems, [], "a page reported errors");
  });

  const banner = (visitor) => visitor.page.getByRole("status").filter({ hasText: "Reconnecting" });
  const isBack = (visitor) => visitor.page.locator("#banner").waitFor({ state: "hidden" });

  test("a banner shows while the server is gone, goes when it is back, and messages flow again", async () => {
    await server.kill();
    await Promise.all([banner(ada).waitFor(), banner(grace).waitFor()]);
    await server.start();
    await Promise.all([isBack(ada), isBack(grace)]);
    await ada.say("and we are back");
    await grace.sees("and we are back", "Ada");
    await grace.say("so we are");
    await ada.sees("so we are", "Grace");
    await ada.seesPeople("Ada", "Grace");
  });

  test("what is written during the outage arrives afterwards, once and in order", async () => {
    await server.kill();
    await Promise.all([banner(ada).waitFor(), banner(grace).waitFor()]);
    const written = ["first, while away", "second, while away", "third, while away"];
    for (const text of written) await ada.say(text);
    assert.equal(await ada.page.locator('[data-state="waiting"]').count(), 3);
    await server.start();
    await grace.sees(written.at(-1), "Ada");
    await until("no waiting message", async () => (await ada.page.locator('[data-state="waiting"]').count()) === 0);
    assert.deepEqual(await grace.messages(), ["before", ...written]);
    assert.deepEqual(await ada.messages(), ["before", ...written]);
  });

  test("who was there before the outage does not join anew", async () => {
    await server.kill();
    await Promise.all([banner(ada).waitFor(), banner(grace).waitFor()]);
    await server.start();
    await Promise.all([isBack(ada), isBack(grace)]);
    await ada.seesPeople("Ada", "Grace");
    await grace.seesPeople("Grace", "Ada");
    assert.deepEqual(await grace.page.locator(".note").allTextContents(), []);
  });

  test("a server that is asked to end does so, and the page waits for the next one", async () => {
    assert.equal(await server.stop(), 0, server.output);
    await banner(ada).waitFor();
    await server.start();
    await Promise.all([isBack(ada), isBack(grace)]);
    await grace.say("a new day");
    await ada.sees("a new day", "Grace");
  });
});
