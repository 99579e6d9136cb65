// The chat's page in two Chromium windows: what one does, the other sees.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { Browser, ChatServer, Visitor, problemsOf, until } from "./support.mjs";

describe("the chat", () => {
  let server, browser, visitors, room;
  let rooms = 0;

  before(async () => {
    server = await ChatServer.start();
    browser = await Browser.start();
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });
  beforeEach(() => {
    visitors = [];
    room = `test-${++rooms}`;
  });
  afterEach(async () => {
    const problems = problemsOf(visitors);
    await Promise.all(visitors.map((visitor) => visitor.close()));
    assert.deepEqual(problems, [], "a page reported errors");
  });

  async function visitor(name, where = room) {
    visitors.push(await browser.visitor(server, name, where));
    return visitors.at(-1);
  }

  test("a hello goes from one window to the other, and back", async () => {
    const ada = await visitor("Ada");
    const grace = await visitor("Grace");
    await ada.say("hello");
    await grace.sees("hello", "Ada");
    await grace.say("hello to you");
    await ada.sees("hello to you", "Grace");
    assert.deepEqual(await ada.messages(), ["hello", "hello to you"]);
    assert.deepEqual(await grace.messages(), ["hello", "hello to you"]);
  });

  test("a message of one's own is shown as waiting at first, and as sent when the server has it", async () => {
    const ada = await visitor("Ada");
    await ada.say("is it there?");
    await ada.page.locator('.message.mine[data-state="sent"]', { hasText: "is it there?" }).waitFor();
    assert.equal(await ada.page.locator(".message").count(), 1);
  });

  test("each message shows its time", async () => {
    const ada = await visitor("Ada");
    await ada.say("what time is it?");
    await ada.sees("what time is it?");
    const time = ada.page.locator(".message time");
    assert.match(await time.textContent(), /^\d\d:\d\d$/);
    const age = Date.now() - Date.parse(await time.getAttribute("datetime"));
    assert.ok(Math.abs(age) < 60_000, `the time is ${age} ms off`);
  });

  test("messages of two people arrive in one order", async () => {
    const ada = await visitor("Ada");
    const grace = await visitor("Grace");
    for (let i = 0; i < 10; i++) await Promise.all([ada.say(`a${i}`), grace.say(`g${i}`)]);
    for (const one of [ada, grace]) {
      await until("20 confirmed messages", async () =>
        (await one.messages()).length === 20 && (await one.page.locator('[data-state="waiting"]').count()) === 0);
    }
    assert.deepEqual(await ada.messages(), await grace.messages());
  });

  test("what is said in one room is not heard in another", async () => {
    const ada = await visitor("Ada");
    const grace = await visitor("Grace", `${room}-b`);
    const marie = await visitor("Marie", `${room}-b`);
    await ada.say("only here");
    await grace.say("only there");
    await marie.sees("only there", "Grace");
    assert.deepEqual(await marie.messages(), ["only there"]);
    assert.deepEqual(await ada.messages(), ["only here"]);
  });

  test("a room that one has joined counts what one has not read", async () => {
    const ada = await visitor("Ada");
    const grace = await visitor("Grace");
    await grace.page.getByLabel("Name of a room to join or to open").fill(`${room} Next Door`);
    await grace.page.getByLabel("Name of a room to join or to open").press("Enter");
    await grace.isIn(`${room}-next-door`);
    await ada.say("one");
    await ada.say("two");
    await grace.page.locator(`[data-room="${room}"] .badge`, { hasText: "2" }).waitFor();
    assert.match(await grace.page.title(), /^\(2\) /);
    await grace.goTo(room);
    await grace.isIn(room);
    await grace.sees("two", "Ada");
    await grace.page.locator(".fresh-line").waitFor();
    await grace.page.locator(".badge").waitFor({ state: "detached" });
    assert.doesNotMatch(await grace.page.title(), /^\(/);
  });

  test("a room that is left is quiet, and the others see it", async () => {
    const ada = await visitor("Ada");
    const grace = await visitor("Grace");
    await grace.goTo("cooking");
    await grace.isIn("cooking");
    await grace.goTo(room);
    await grace.isIn(room);
    await grace.page.getByRole("button", { name: "Leave room" }).click();
    await grace.isIn("cooking");
    await ada.seesNote("Grace left");
    await ada.seesPeople("Ada");
    assert.equal(await grace.page.locator(`[data-room="${room}"]`).count(), 0);
  });

  test("a typing note appears, and goes when the text is sent", async () => {
    const ada = await visitor("Ada");
    const grace = await visitor("Grace");
    await ada.page.getByLabel("Your message", { exact: true }).pressSequentially("I am wri");
    await grace.page.locator("#typing", { hasText: "Ada is typing" }).waitFor();
    await ada.say("I am writing");
    await grace.sees("I am writing", "Ada");
    await until("no typing note", async () => (await grace.page.locator("#typing").textContent()) === "");
    assert.equal(await ada.page.locator("#typing").textContent(), "");
  });

  test("a typing note goes when the text is given up", async () => {
    const ada = await visitor("Ada");
    const grace = await visitor("Grace");
    await ada.page.getByLabel("Your message", { exact: true }).pressSequentially("never mind");
    await grace.page.locator("#typing", { hasText: "Ada is typing" }).waitFor();
    await ada.page.getByLabel("Your message", { exact: true }).fill("");
    await until("no typing note", async () => (await grace.page.locator("#typing").textContent()) === "");
  });

  test("who comes and who goes is told, and who is there is listed", async () => {
    const ada = await visitor("Ada");
    await ada.seesPeople("Ada");
    const grace = await visitor("Grace");
    await ada.seesNote("Grace joined");
    await ada.seesPeople("Ada", "Grace");
    await grace.seesPeople("Grace", "Ada");
    await grace.close();
    await ada.seesNote("Grace left");
    await ada.seesPeople("Ada");
  });

  test("the last 50 messages are shown to somebody who joins", async () => {
    const ada = await visitor("Ada");
    const all = Array.from({ length: 53 }, (_, i) => `message ${i}`);
    for (const text of all) await ada.say(text);
    const sent = ada.page.locator('[data-state="sent"]');
    await until("the confirmation of all", async () => (await sent.count()) === all.length);
    const grace = await visitor("Grace");
    await grace.sees("message 52", "Ada");
    assert.deepEqual(await grace.messages(), all.slice(-50));
    assert.equal(await grace.page.locator(".badge").count(), 0);
  });

  test("an empty name is refused at the form", async () => {
    const ada = await browser.window();
    visitors.push(ada);
    await ada.open(server, room);
    await ada.enterAs("   ");
    await ada.page.getByRole("alert").filter({ hasText: "Please tell us your name." }).waitFor();
    assert.equal(await ada.page.getByLabel("Your name", { exact: true }).getAttribute("aria-invalid"), "true");
    assert.equal(await ada.page.locator("#chat").isVisible(), false);
  });

  test("a name that is taken is refused at the form, and another one is not", async () => {
    await visitor("Ada");
    const other = await browser.window();
    visitors.push(other);
    await other.open(server, room);
    await other.enterAs("Ada");
    await other.page.getByRole("alert").filter({ hasText: "That name is taken." }).waitFor();
    assert.equal(await other.page.locator("#chat").isVisible(), false);
    await other.enterAs("Augusta");
    await other.isIn(room);
    await other.seesPeople("Augusta", "Ada");
  });

  test("two windows with one key are one person, who leaves with the last of them", async () => {
    const grace = await visitor("Grace");
    const ada = await visitor("Ada");
    await grace.seesPeople("Grace", "Ada");
    const key = await ada.page.evaluate(() => sessionStorage.getItem("chat.key"));
    const second = new Visitor(ada.context, await ada.context.newPage());
    await second.page.addInitScript((key) => sessionStorage.setItem("chat.key", key), key);
    await second.open(server, room);
    await second.enterAs("Ada");
    await second.seesPeople("Ada", "Grace");
    await second.page.close();
    await ada.say("still here");
    await grace.sees("still here", "Ada");
    await ada.page.close();
    await grace.seesNote("Ada left");
    assert.deepEqual(await grace.notes(), ["Ada joined", "Ada left"]);
  });

  test("a message that the server refuses stays, and says why", async () => {
    const ada = await visitor("Ada");
    await ada.page.locator("#text").evaluate((text) => text.removeAttribute("maxlength"));
    await ada.say("x".repeat(13_000));
    const refused = ada.page.locator('.message[data-state="failed"]');
    await refused.getByText("Not sent: that message is too long.").waitFor();
    await refused.getByRole("button", { name: "Try again" }).click();
    await refused.getByText("Not sent: that message is too long.").waitFor();
    await ada.say("shorter");
    await ada.page.locator('.message[data-state="sent"]', { hasText: "shorter" }).waitFor();
  });

  test("the name is remembered, and a reload brings one back into the rooms", async () => {
    const ada = await visitor("Ada");
    await ada.goTo("music");
    await ada.isIn("music");
    await ada.page.reload();
    await ada.isIn("music");
    await ada.page.locator(`[data-room="${room}"]`).waitFor();
    const second = await ada.context.newPage();
    await second.goto(server.url);
    assert.equal(await second.getByLabel("Your name", { exact: true }).inputValue(), "Ada");
  });

  test("leaving the chat leads back to the form", async () => {
    const ada = await visitor("Ada");
    const grace = await visitor("Grace");
    await grace.page.getByRole("button", { name: "Leave the chat and change your name" }).click();
    await ada.seesNote("Grace left");
    await grace.enterAs("Grace Hopper");
    await grace.isIn(room);
    await ada.seesPeople("Ada", "Grace Hopper");
  });

  test("a text is shown as it was written: markup, line breaks, emoji, 4000 characters", async () => {
    const ada = await visitor("Ada");
    const grace = await visitor("Grace");
    const long = "né à Łódź, 東京 ".repeat(300).slice(0, 4000).trim();
    const texts = ['<img src=x onerror="document.title=1"> & <b>bold</b>', "two\nlines", "👩🏽‍🚀🎉", long];
    for (const text of texts) await ada.say(text);
    await grace.sees("東京", "Ada");
    assert.deepEqual(await grace.messages(), texts);
    assert.equal(await grace.page.locator("#log img, #log b").count(), 0);
  });

  test("only web addresses become links", async () => {
    const ada = await visitor("Ada");
    await ada.say("see https://example.org/a?b=1. not javascript:alert(1)");
    await ada.sees("see https://example.org");
    const links = await ada.page.locator("#log a").evaluateAll((all) => all.map((link) => [link.href, link.rel]));
    assert.deepEqual(links, [["https://example.org/a?b=1", "noopener noreferrer"]]);
  });

  test("the page loads nothing from elsewhere", async () => {
    const ada = await visitor("Ada");
    const hosts = ada.requests.filter((url) => !url.startsWith("data:")).map((url) => new URL(url).host);
    assert.ok(hosts.length >= 5, `only ${hosts.length} requests were seen`);
    assert.deepEqual([...new Set(hosts)], [new URL(server.url).host]);
  });
});
