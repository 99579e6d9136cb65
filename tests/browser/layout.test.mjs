// The chat's page in its sizes and colours: a desk, phones, light and dark.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { Browser, ChatServer, DESKTOP, PHONE, problemsOf } from "./support.mjs";

const LONG_WORD = "nospaces".repeat(40);

describe("the layout", () => {
  let server, browser, visitors;
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
    rooms++; // each test has its own, where no window that was just closed still has the name
  });
  afterEach(async () => {
    const problems = problemsOf(visitors);
    await Promise.all(visitors.map((visitor) => visitor.close()));
    assert.deepEqual(problems, [], "a page reported errors");
  });

  async function visitor(name, options) {
    visitors.push(await browser.visitor(server, name, `studio-${rooms}`, options));
    return visitors.at(-1);
  }

  const sideways = (page) =>
    page.evaluate(() => {
      const isTooWide = (box) => box.scrollWidth > box.clientWidth;
      return ["html", "body", "#log", "#chat"].filter((name) => isTooWide(document.querySelector(name)));
    });

  for (const width of [320, 390, 760, 900, 1280]) {
    test(`at ${width} pixels nothing scrolls sideways, and the composer is in sight`, async () => {
      const ada = await visitor("Ada", { viewport: { width, height: 700 } });
      await ada.say(LONG_WORD);
      await ada.sees(LONG_WORD);
      await ada.page.locator('[data-state="waiting"]').waitFor({ state: "detached" }); // what is sent takes its place
      assert.deepEqual(await sideways(ada.page), []);
      const box = await ada.page.locator("#composer").boundingBox();
      assert.ok(box.x >= 0 && box.x + box.width <= width && box.y + box.height <= 700, JSON.stringify(box));
      const bubble = await ada.page.locator(".bubble").last().boundingBox();
      assert.ok(bubble.x >= 0 && bubble.x + bubble.width <= width, JSON.stringify(bubble));
    });
  }

  test("on a phone the rooms and the people are one touch away, and out of the way otherwise", async () => {
    const ada = await visitor("Ada", PHONE);
    const page = ada.page;
    assert.equal(await page.locator("#rooms-panel").isVisible(), false);
    assert.equal(await page.locator("#people-panel").isVisible(), false);
    await page.getByRole("button", { name: "Who is here" }).tap();
    await page.locator(".person-name", { hasText: "Ada" }).waitFor();
    await page.getByRole("button", { name: "Close the list of people" }).tap();
    await page.locator("#people-panel").waitFor({ state: "hidden" });
    await page.getByRole("button", { name: "Rooms", exact: true }).tap();
    await page.locator('[data-room="music"]').tap();
    await ada.isIn("music");
    await page.locator("#rooms-panel").waitFor({ state: "hidden" });
    assert.deepEqual(await sideways(page), []);
  });

  test("on a phone what can be touched is at least 40 pixels high", async () => {
    const ada = await visitor("Ada", PHONE);
    await ada.page.getByRole("button", { name: "Rooms", exact: true }).tap();
    await ada.page.locator('[data-room="music"]').waitFor();
    const small = await ada.page.locator("button:visible").evaluateAll((all) =>
      all.filter((button) => button.getBoundingClientRect().height < 40).map((button) => button.outerHTML));
    assert.deepEqual(small, []);
  });

  test("a phone and a desk talk to each other", async () => {
    const ada = await visitor("Ada", PHONE);
    const grace = await visitor("Grace", DESKTOP);
    await ada.page.getByLabel("Your message", { exact: true }).fill("from the train");
    await ada.page.getByRole("button", { name: "Send" }).tap();
    await grace.sees("from the train", "Ada");
    await grace.say("from the desk");
    await ada.sees("from the desk", "Grace");
  });

  test("by night the page is dark, by day it is light", async () => {
    const light = await visitor("Ada", { ...DESKTOP, colorScheme: "light" });
    const dark = await visitor("Grace", { ...DESKTOP, colorScheme: "dark" });
    const background = (one) => one.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const brightness = async (one) => Math.max(...(await background(one)).match(/\d+/g).map(Number));
    assert.ok((await brightness(light)) > 200);
    assert.ok((await brightness(dark)) < 60);
  });

  test("every control has a name that can be read aloud", async () => {
    const ada = await visitor("Ada", DESKTOP);
    const nameless = await ada.page.locator("button, input, textarea").evaluateAll((all) => {
      const isNamed = (one) => one.getAttribute("aria-label") || one.textContent.trim() || (one.tagName !== "BUTTON" && one.labels.length);
      return all.filter((one) => !isNamed(one)).map((one) => one.outerHTML);
    });
    assert.deepEqual(nameless, []);
  });

  test("new messages do not pull a reader down, and a button leads to them", async () => {
    const ada = await visitor("Ada", DESKTOP);
    const grace = await visitor("Grace", DESKTOP);
    for (let i = 0; i < 30; i++) await grace.say(`line ${i}`);
    await ada.sees("line 29", "Grace");
    await ada.page.locator("#log").evaluate((log) => (log.scrollTop = 0));
    await grace.say("the newest");
    const button = ada.page.getByRole("button", { name: "New messages" });
    await button.waitFor();
    assert.equal(await ada.page.locator("#log").evaluate((log) => log.scrollTop), 0);
    await button.click();
    await button.waitFor({ state: "hidden" });
  });
});
