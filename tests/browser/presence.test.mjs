// The presence example: one person in two tabs, of which one speaks through chain.js and one through phoenix.js, and others who see them.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Browser, PHONE, PresenceServer, problemsOf, until } from "./support.mjs";

const PHOENIX = fileURLToPath(new URL("../npm/node_modules/phoenix/priv/static/phoenix.js", import.meta.url));

describe("the presence example", () => {
  let server, browser, visitors;

  before(async () => {
    server = await PresenceServer.start();
    browser = await Browser.start();
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });
  beforeEach(() => (visitors = []));
  afterEach(async () => {
    const problems = problemsOf(visitors);
    await Promise.all(visitors.map((visitor) => visitor.close()));
    assert.deepEqual(problems, [], "a page reported errors");
  });

  /** Opens the page in a tab. */
  async function open(page, client, room) {
    await page.route("**/phoenix.js", (route) => route.fulfill({ path: PHOENIX, contentType: "text/javascript" }));
    await page.goto(`${server.url}?client=${client}#${room}`);
  }

  async function visitor(name, client, room, options) {
    const window = await browser.window(options);
    visitors.push(window);
    await open(window.page, client, room);
    await window.page.getByLabel("Your name").fill(name);
    await window.page.getByRole("button", { name: "Come in" }).click();
    return window;
  }

  /** Waits until a page shows exactly these people, each with so many tabs. */
  async function shows(page, people) {
    let now;
    const list = () => page.locator(".person").evaluateAll((all) => Object.fromEntries(all.map((one) => [one.dataset.name, Number(one.dataset.metas)])));
    await until(JSON.stringify(people), async () => JSON.stringify(Object.entries((now = await list())).sort()) === JSON.stringify(Object.entries(people).sort()))
      .catch((error) => assert.fail(`${error.message}; it is ${JSON.stringify(now)}`));
  }

  const tells = (page, text) => page.locator("#log li", { hasText: text }).first().waitFor();

  for (const [first, second] of [["chain", "phoenix"], ["phoenix", "chain"]]) {
    test(`a person with a tab on ${first}.js and one on ${second}.js is one person with two tabs`, async () => {
      const room = `two-${first}`;
      const bob = await visitor("Bob", second, room);
      await shows(bob.page, { Bob: 1 });
      const ann = await visitor("Ann", first, room);
      const other = await ann.context.newPage();
      await open(other, second, room);

      for (const page of [ann.page, other, bob.page]) await shows(page, { Ann: 2, Bob: 1 });
      await tells(bob.page, "Ann opened another tab");
      assert.equal(await bob.page.locator("#log li", { hasText: "Ann" }).count(), 2);
      assert.equal(await bob.page.locator("#log li", { hasText: "Bob" }).count(), 0);
      assert.equal(await bob.page.locator(".person", { hasText: "Ann" }).evaluate((one) => getComputedStyle(one).getPropertyValue("--hue") !== ""), true);

      await other.close();
      for (const page of [ann.page, bob.page]) await shows(page, { Ann: 1, Bob: 1 });
      await tells(bob.page, "Ann closed a tab");
      await ann.page.goto("about:blank");
      await shows(bob.page, { Bob: 1 });
      await tells(bob.page, "Ann left");
    });
  }

  test("a tab in the background is an update that the others see, and no coming and going", async () => {
    const ann = await visitor("Ann", "phoenix", "away");
    const bob = await visitor("Bob", "chain", "away");
    await shows(bob.page, { Ann: 1, Bob: 1 });
    await ann.page.evaluate(() => {
      Object.defineProperty(document, "hidden", { value: true });
      document.dispatchEvent(new Event("visibilitychange"));
    });
    await bob.page.locator(".person.away", { hasText: "Ann" }).waitFor();
    await shows(bob.page, { Ann: 1, Bob: 1 });
    assert.deepEqual(await bob.page.locator("#log li", { hasText: "Ann" }).count(), 1);
  });

  test("a name that is too long is refused, and may be given anew", async () => {
    const ann = await visitor("Ann", "chain", "names");
    await shows(ann.page, { Ann: 1 });
    await ann.page.getByRole("button", { name: "Be somebody else" }).click();
    await ann.page.getByLabel("Your name").evaluate((input) => input.removeAttribute("maxlength"));
    await ann.page.getByLabel("Your name").fill("n".repeat(61));
    await ann.page.getByRole("button", { name: "Come in" }).click();
    await ann.page.locator("#status", { hasText: "that name is too long" }).waitFor();
    await ann.page.getByLabel("Your name").fill("Eve");
    await ann.page.getByRole("button", { name: "Come in" }).click();
    await shows(ann.page, { Eve: 1 });
  });

  test("on a phone nothing scrolls sideways", async () => {
    await visitor("Wilhelmina Featherstonehaugh", "chain", "phone");
    const phone = await visitor("Ann", "phoenix", "phone", PHONE);
    await shows(phone.page, { Ann: 1, "Wilhelmina Featherstonehaugh": 1 });
    assert.equal(await phone.page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth), false);
    assert.match(await phone.page.locator(".person", { hasText: "Ann" }).textContent(), /1 tab on a phone/);
  });
});
