// The chat while its connections break: nothing is lost, and nobody sees anybody leave.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { Line } from "./proxy.mjs";
import { Browser, ChatServer, problemsOf, until } from "./support.mjs";

const CUTS = 8;

for (const transport of ["WebSocket", "SSE"]) {
  describe(`a line that breaks, over ${transport}`, () => {
    let server, line, browser, ada, grace;

    before(async () => {
      browser = await Browser.start();
    });
    after(() => browser?.close());
    beforeEach(async () => {
      ada = grace = undefined;
      server = await ChatServer.start();
      line = await Line.start(server.url);
      ada = await visitor("Ada");
      grace = await visitor("Grace");
    });
    afterEach(async () => {
      const visitors = [ada, grace].filter(Boolean);
      const isCut = (text) => /ERR_(EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING|CONNECTION_\w+)/.test(text);
      for (const one of visitors) one.problems = one.problems.filter((text) => !isCut(text));
      const problems = problemsOf(visitors, { outage: true });
      await Promise.all(visitors.map((one) => one.close()));
      await line.stop();
      await server?.stop();
      assert.deepEqual(problems, [], "a page reported errors");
    });

    async function visitor(name) {
      const window = await browser.window();
      if (transport === "SSE") await window.page.addInitScript(() => delete globalThis.WebSocket);
      await window.open(line, "harbour");
      await window.enterAs(name);
      await window.isIn("harbour");
      return window;
    }

    test("pains 1, 24: messages written in between arrive once and in order, and no line says that somebody left or joined", async () => {
      await ada.seesPeople("Ada", "Grace");
      const notes = async () => Promise.all([ada, grace].map((one) => one.page.locator(".note").allTextContents()));
      const before = await notes();
      const written = [];
      for (let i = 1; i <= CUTS; ++i) {
        for (const text of [`before cut ${i}.`, `while cut ${i}.`]) {
          written.push(text);
          await ada.say(text);
          if (text.startsWith("before")) line.cut();
        }
      }
      await grace.sees(written.at(-1), "Ada");
      await until("no waiting message", async () => (await ada.page.locator('[data-state="waiting"]').count()) === 0);
      assert.deepEqual(await grace.messages(), written);
      assert.deepEqual(await ada.messages(), written);
      assert.deepEqual(await notes(), before);
    });
  });
}
