// The npm package `phoenix`, as it is published, over long-polling, which it does with `fetch` here.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

import { PhoenixServer, until } from "../browser/support.mjs";
import { joined, next, outcome } from "./phoenix_support.mjs";

const { LongPoll, Socket } = createRequire(new URL("../npm/package.json", import.meta.url))("phoenix");

let server;
before(async () => (server = await PhoenixServer.start()));
after(() => server.stop());

/** A socket that polls and ends with its test; it comes back quickly. */
function connect(t, options = {}) {
  const socket = new Socket(`ws://localhost:${server.port}/socket`, {
    transport: LongPoll, reconnectAfterMs: () => 50, rejoinAfterMs: () => 50, ...options,
  });
  socket.connect();
  t.after(() => new Promise((resolve) => socket.disconnect(resolve)));
  return socket;
}

test("a polling client joins, is refused, and is answered in each way", async (t) => {
  const socket = connect(t, { params: { user: "ann" } });
  const channel = await joined(socket, "room:a");
  assert.deepEqual(await outcome(socket.channel("room:b", { refuse: "not you" }).join()), ["error", { reason: "not you" }]);
  assert.deepEqual(await outcome(channel.push("echo", { a: [1, "ü/\"\\"] })), ["ok", { a: [1, "ü/\"\\"] }]);
  assert.deepEqual(await outcome(channel.push("fail", { why: "so" })), ["error", { why: "so" }]);
  assert.deepEqual((await outcome(channel.push("silent", {}, 200)))[0], "timeout");
});

test("polling and WebSocket clients of one topic hear each other", async (t) => {
  const WebSocket = createRequire(new URL("../npm/package.json", import.meta.url))("ws");
  const ann = await joined(connect(t), "room:talk");
  const bob = await joined(connect(t, { transport: WebSocket }), "room:talk");
  for (const [from, text] of [[ann, "from a poll"], [bob, "from a socket"]]) {
    const heard = [next(ann, "said"), next(bob, "said")];
    from.push("say", { text });
    assert.deepEqual(await Promise.all(heard), [{ text }, { text }]);
  }
  const pushed = next(ann, "pushed");
  ann.push("push back", { n: 1 });
  assert.deepEqual(await pushed, { n: 1 });
});

test("what is pushed in one turn goes in batches of 100 lines, and is handled in order", async (t) => {
  const channel = await joined(connect(t), "room:many");
  const answers = Array.from({ length: 250 }, (_, n) => outcome(channel.push("echo", { n })));
  assert.deepEqual((await Promise.all(answers)).map(([status, { n }]) => [status, n]), answers.map((_, n) => ["ok", n]));
});

test("bytes go up as lines of base64, and come down as text", async (t) => {
  const ann = await joined(connect(t), "room:bytes");
  const [status, echoed] = await outcome(ann.push("echo", new Uint8Array([0, 255, 7]).buffer));
  assert.deepEqual([status, echoed], ["ok", { $binary: "AP8H" }]);
});

test("leaving, crashing and joining twice", async (t) => {
  const socket = connect(t);
  const first = await joined(socket, "room:a");
  const closed = new Promise((resolve) => first.onClose(resolve));
  const second = await joined(socket, "room:a");
  await closed;
  const failed = new Promise((resolve) => second.onError(resolve));
  second.push("crash", {});
  assert.deepEqual(await failed, { reason: "channel_crash" });
  await until("the rejoin", () => second.state === "joined");
  assert.equal((await outcome(second.leave()))[0], "ok");
  await until("the end", () => second.state === "closed");
});

test("the token of the application goes in a header, also beside a parameter named token", async (t) => {
  const channel = await joined(connect(t, { authToken: "a+b/c==", params: { user: "ann", token: "mine" } }), "room:a");
  assert.deepEqual(await outcome(channel.push("who", {})), ["ok", { user: "ann", token: "a+b/c==" }]);
});

test("a client that is disconnected by its user's name comes back", async (t) => {
  const socket = connect(t, { params: { user: "kicked poll" } });
  const channel = await joined(socket, "room:a");
  const codes = [];
  socket.onClose(({ code }) => codes.push(code));
  channel.push("disconnect", { name: "kicked poll" });
  await until("the close", () => codes.length > 0);
  assert.deepEqual(codes, [3410]);
  await until("the rejoin", () => channel.state === "joined");
});

for (const [refuse, expected] of [["403", 1008], ["429", 1011]]) {
  test(`a client that is not let in (${refuse}) sees an error and tries again`, async (t) => {
    const socket = connect(t, { params: { refuse } });
    const codes = [];
    socket.onClose(({ code }) => codes.push(code));
    await until("two refusals", () => codes.length >= 2);
    assert.deepEqual(codes.slice(0, 2), [expected, expected]);
  });
}

test("when the server restarts, the client comes back and joins again", async (t) => {
  const socket = connect(t);
  const channel = await joined(socket, "room:a");
  let closes = 0;
  socket.onClose(() => ++closes);
  await server.stop();
  await until("the close", () => closes > 0);
  const waiting = outcome(channel.push("echo", { n: 5 }, 20000));
  await server.start();
  assert.deepEqual(await waiting, ["ok", { n: 5 }]);
  assert.equal(channel.state, "joined");
});
