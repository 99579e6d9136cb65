// A page of the tests' server with phoenix.js, the npm package `phoenix` as it is published.

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

import { problemsOf, until } from "./support.mjs";

export const PHOENIX_JS = fileURLToPath(new URL("../npm/node_modules/phoenix/priv/static/phoenix.js", import.meta.url));

/**
 * A page with phoenix.js, a connected socket, and what the tests do with them. Options are the socket's; `polls` has it
 * poll, and `outage` says that the server goes away.
 */
export async function openTab(browser, server, options = {}) {
  const visitor = await browser.window();
  const { page } = visitor;
  await page.goto(server.url);
  await page.addScriptTag({ path: PHOENIX_JS });
  await page.evaluate((given) => {
    const statuses = ["ok", "error", "timeout", "teapot"];
    const plain = (value) => (value instanceof ArrayBuffer ? { bytes: [...new Uint8Array(value)] } : value);
    const sent = (value) => (value && value.bytes ? new Uint8Array(value.bytes).buffer : value);
    const outcome = (push) => new Promise((resolve) => {
      for (const status of statuses) push.receive(status, (response) => resolve([status, plain(response)]));
    });
    const transport = given.polls ? { transport: window.Phoenix.LongPoll } : {};
    const socket = new window.Phoenix.Socket("/socket", { ...transport, reconnectAfterMs: () => 50, rejoinAfterMs: () => 50, ...given });
    const channels = {};
    const told = [];
    socket.onClose((event) => told.push(["closed", event.code]));
    socket.connect();
    window.test = {
      socket, channels, told,
      join(topic, params = {}) {
        const channel = (channels[topic] = socket.channel(topic, params));
        for (const event of ["said", "pushed"]) channel.on(event, (payload) => told.push([event, plain(payload)]));
        channel.onError((reason) => told.push(["error", reason]));
        channel.onClose(() => told.push(["left", topic]));
        return outcome(channel.join());
      },
      push: (topic, event, payload, timeout) => outcome(channels[topic].push(event, sent(payload), timeout)),
      leave: (topic) => outcome(channels[topic].leave()),
      state: (topic) => channels[topic].state,
    };
  }, options);
  const call = (name, ...args) => page.evaluate(([what, given]) => window.test[what](...given), [name, args]);
  return {
    visitor,
    join: (...args) => call("join", ...args),
    push: (...args) => call("push", ...args),
    leave: (...args) => call("leave", ...args),
    state: (...args) => call("state", ...args),
    told: () => page.evaluate(() => window.test.told),
    async tells(what) {
      const wanted = JSON.stringify(what);
      await until(wanted, async () => (await this.told()).some((one) => JSON.stringify(one) === wanted));
    },
    async close() {
      assert.deepEqual(problemsOf([visitor], { outage: options.outage ?? false }), []);
      await visitor.close();
    },
  };
}
