// The npm package `phoenix`, as it is published, against a chain server; `ws` is its WebSocket.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

import { PhoenixServer, until } from "../browser/support.mjs";
import { joined, next, outcome } from "./phoenix_support.mjs";

const require = createRequire(new URL("../npm/package.json", import.meta.url));
const WebSocket = require("ws");
const { Socket } = require("phoenix");

let server;
before(async () => (server = await PhoenixServer.start()));
after(() => server.stop());

/** A socket that ends with its test; it comes back quickly. */
function connect(t, options = {}) {
  const socket = new Socket(`ws://localhost:${server.port}/socket`, {
    transport: WebSocket, reconnectAfterMs: () => 50, rejoinAfterMs: () => 50, ...options,
  });
  socket.connect();
  t.after(() => new Promise((resolve) => socket.disconnect(resolve)));
  return socket;
}

const bytesOf = (...bytes) => new Uint8Array(bytes).buffer;
const listOf = (buffer) => [...new Uint8Array(buffer)];

test("a client connects, joins and is answered; its parameters arrive, nested ones too", async (t) => {
  const socket = connect(t, { params: { user: "ann", more: { deep: "yes" } } });
  const [status, response] = await outcome(socket.channel("room:a", {}).join());
  assert.equal(status, "ok");
  assert.equal(response.topic, "room:a");
  assert.deepEqual(response.params, { user: "ann", more: { deep: "yes" }, vsn: "2.0.0" });
});

test("version 1 of the protocol is served as well", async (t) => {
  const socket = connect(t, {
    vsn: "1.0.0",
    encode: ({ topic, event, payload, ref, join_ref }, done) => done(JSON.stringify({ topic, event, payload, ref, join_ref })),
    decode: (text, done) => done(JSON.parse(text)),
  });
  const channel = await joined(socket, "room:v1");
  assert.deepEqual(await outcome(channel.push("echo", { n: 1 })), ["ok", { n: 1 }]);
});

test("refused joins, of the application and of topics that there are not", async (t) => {
  const socket = connect(t);
  for (const [topic, params, reason] of [
    ["room:a", { refuse: "not you" }, "not you"],
    ["room:b", { crash: true }, "join crashed"],
    ["other:a", {}, "unmatched topic"],
  ]) {
    const channel = socket.channel(topic, params);
    assert.deepEqual(await outcome(channel.join()), ["error", { reason }]);
    channel.leave();
  }
});

test("pushes are answered ok, error, by another name, or not at all", async (t) => {
  const channel = await joined(connect(t), "room:a");
  assert.deepEqual(await outcome(channel.push("echo", { a: [1, "ü/"] })), ["ok", { a: [1, "ü/"] }]);
  assert.deepEqual(await outcome(channel.push("fail", { why: "so" })), ["error", { why: "so" }]);
  assert.deepEqual(await outcome(channel.push("status", { status: "teapot" })), ["teapot", { status: "teapot" }]);
  assert.deepEqual((await outcome(channel.push("silent", {}, 200)))[0], "timeout");
});

test("what is pushed before the join is answered is sent after it, in order", async (t) => {
  const channel = connect(t).channel("room:slow", { slow: 200 });
  const join = outcome(channel.join());
  const pushes = [1, 2, 3].map((n) => outcome(channel.push("echo", { n })));
  assert.equal((await join)[0], "ok");
  assert.deepEqual((await Promise.all(pushes)).map(([, { n }]) => n), [1, 2, 3]);
});

test("a slow join holds up neither heartbeats nor other topics", async (t) => {
  const socket = connect(t);
  const order = [];
  const slow = outcome(socket.channel("room:slow", { slow: 4000 }).join()).then(() => order.push("slow"));
  await joined(socket, "room:quick");
  order.push("quick");
  await new Promise((resolve) => assert.ok(socket.ping(resolve)));
  order.push("ping");
  await slow;
  assert.deepEqual(order, ["quick", "ping", "slow"]);
});

test("broadcasts reach everybody, or everybody else; a push this client alone", async (t) => {
  const ann = await joined(connect(t), "room:talk");
  const bob = await joined(connect(t), "room:talk");
  const heard = [next(ann, "said"), next(bob, "said")];
  ann.push("say", { text: "hello" });
  assert.deepEqual(await Promise.all(heard), [{ text: "hello" }, { text: "hello" }]);
  ann.on("said", () => assert.fail("the sender hears its own"));
  const told = next(bob, "said");
  await outcome(ann.push("tell", { text: "psst" }));
  assert.deepEqual(await told, { text: "psst" });
  const pushed = next(ann, "pushed");
  bob.on("pushed", () => assert.fail("another client is pushed to"));
  ann.push("push back", { n: 1 });
  assert.deepEqual(await pushed, { n: 1 });
});

test("a channel that is left is closed, and can be joined anew", async (t) => {
  const socket = connect(t);
  const channel = await joined(socket, "room:a");
  const closed = new Promise((resolve) => channel.onClose(resolve));
  assert.equal((await outcome(channel.leave()))[0], "ok");
  await closed;
  assert.equal(channel.state, "closed");
  const again = await joined(socket, "room:a");
  assert.deepEqual(await outcome(again.push("echo", { n: 2 })), ["ok", { n: 2 }]);
});

test("a channel that the server ends is closed after its answer", async (t) => {
  const channel = await joined(connect(t), "room:a");
  const closed = new Promise((resolve) => channel.onClose(resolve));
  assert.equal((await outcome(channel.push("stop", {})))[0], "ok");
  await closed;
  assert.equal(channel.state, "closed");
});

test("a channel whose handler crashes is told why, and joins again by itself", async (t) => {
  const channel = await joined(connect(t), "room:a");
  const failed = new Promise((resolve) => channel.onError(resolve));
  channel.push("crash", {});
  assert.deepEqual(await failed, { reason: "channel_crash" });
  await until("the rejoin", () => channel.state === "joined");
  assert.deepEqual(await outcome(channel.push("echo", { n: 3 })), ["ok", { n: 3 }]);
});

test("a second channel of a topic takes the first one's place", async (t) => {
  const socket = connect(t);
  const first = await joined(socket, "room:a");
  const closed = new Promise((resolve) => first.onClose(resolve));
  const second = await joined(socket, "room:a");
  await closed;
  assert.deepEqual(await outcome(second.push("echo", { n: 4 })), ["ok", { n: 4 }]);
  assert.equal(second.state, "joined");
});

test("a join that is repeated under another reference goes on with the new one", async (t) => {
  const socket = connect(t);
  const channel = await joined(socket, "room:a");
  let closes = 0;
  channel.onClose(() => ++closes);
  const frames = [];
  socket.onMessage((message) => frames.push([message.event, message.join_ref]));
  const ref = socket.makeRef();
  socket.push({ topic: "room:a", event: "phx_join", payload: {}, ref, join_ref: ref });
  await until("the old membership's end", () => frames.some(([event]) => event === "phx_close"));
  assert.deepEqual(frames.map(([event]) => event), ["phx_reply", "phx_close"]);
  assert.deepEqual(frames.map(([, joinRef]) => joinRef), [ref, channel.joinRef()]);
  assert.equal(closes, 1, "the client's channel is that of the old membership");
});

test("bytes go both ways: pushes, replies, broadcasts, and the answer to a join", async (t) => {
  const socket = connect(t);
  const join = await outcome(socket.channel("room:bytes", { bytes: true }).join());
  assert.deepEqual([join[0], listOf(join[1])], ["ok", [1, 2, 3, 4]]);
  const ann = await joined(connect(t), "room:more");
  const bob = await joined(connect(t), "room:more");
  const [status, echoed] = await outcome(ann.push("echo", bytesOf(0, 255, 7)));
  assert.deepEqual([status, listOf(echoed)], ["ok", [0, 255, 7]]);
  const pushed = next(ann, "pushed");
  ann.push("push back", bytesOf(9));
  assert.deepEqual(listOf(await pushed), [9]);
  const heard = next(bob, "said");
  ann.push("say", bytesOf(5, 6));
  assert.deepEqual(listOf(await heard), [5, 6]);
});

test("the token stays out of the URL and arrives byte for byte", async (t) => {
  for (const authToken of ["secret", "a+b.c==", "~~>"]) {
    const channel = await joined(connect(t, { authToken, params: { user: "ann" } }), "room:a");
    const [, who] = await outcome(channel.push("who", {}));
    assert.deepEqual(who, { user: "ann", token: authToken });
  }
});

test("a client that is disconnected by its user's name comes back", async (t) => {
  const socket = connect(t, { params: { user: "kicked" } });
  const channel = await joined(socket, "room:a");
  const codes = [];
  socket.onClose(({ code }) => codes.push(code));
  channel.push("disconnect", { name: "kicked" });
  await until("the close", () => codes.length > 0);
  assert.deepEqual(codes, [1001]);
  await until("the rejoin", () => channel.state === "joined");
});

test("a client that is not let in sees an error and tries again", async (t) => {
  const socket = connect(t, { params: { refuse: "429" } });
  let errors = 0;
  socket.onError(() => ++errors);
  await until("two refusals", () => errors >= 2);
  assert.equal(socket.isConnected(), false);
});

test("when the server restarts, the client comes back and joins again", async (t) => {
  const socket = connect(t);
  const channel = await joined(socket, "room:a");
  const codes = [];
  socket.onClose(({ code }) => codes.push(code));
  await server.stop();
  await until("the close", () => codes.length > 0);
  assert.equal(codes[0], 1012);
  const waiting = outcome(channel.push("echo", { n: 5 }, 20000));
  await server.start();
  assert.deepEqual(await waiting, ["ok", { n: 5 }]);
  assert.equal(channel.state, "joined");
});
