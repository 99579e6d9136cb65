// The chat's server against the `ws` package: another implementation of RFC 6455 as the other side.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

import { ChatServer } from "../browser/support.mjs";

const WebSocket = createRequire(new URL("../npm/package.json", import.meta.url))("ws");
const LIMIT = 64 * 1024;

let server;
before(async () => (server = await ChatServer.start()));
after(() => server.stop());

/** A client that keeps what comes until somebody asks for it. */
class Client {
  #inbox = [];
  #waiting = [];

  constructor(options = {}) {
    this.socket = new WebSocket(server.url.replace("http", "ws") + "socket/websocket", options);
    this.socket.on("message", (data, binary) => this.#take(binary ? { binary: data } : data.toString()));
    this.closed = new Promise((resolve) =>
      this.socket.on("close", (code, reason) => {
        resolve({ code, reason: reason.toString() });
        this.#take({ closed: code });
      }));
  }

  static async open(options) {
    const client = new Client(options);
    await new Promise((resolve, reject) => client.socket.once("open", resolve).once("error", reject));
    return client;
  }

  /** A client in a room, under a name of its own. */
  static async inRoom(room, name) {
    const client = await Client.open();
    client.send([0, 1, 1, `chat:${room}`, "_join", { name, key: name }]);
    const [kind, joinRef, ref, status] = await client.receive();
    assert.deepEqual([kind, joinRef, ref, status], [1, 1, 1, 0]);
    return client;
  }

  send(frame) {
    this.socket.send(JSON.stringify(frame));
  }

  /** The next frame. */
  async receive() {
    const next = this.#inbox.length > 0 ? this.#inbox.shift() : await new Promise((resolve) => this.#waiting.push(resolve));
    assert.equal(typeof next, "string", `a text message, not ${JSON.stringify(next)}`);
    return JSON.parse(next);
  }

  /** The next frame of that event. */
  async event(name) {
    for (;;) {
      const frame = await this.receive();
      if (frame[0] === 2 && frame[2] === name) return frame[3];
    }
  }

  #take(item) {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(item);
    else this.#inbox.push(item);
  }
}

function heartbeatOf(bytes) {
  const frame = (padding) => JSON.stringify([0, 0, 7, "_chain", "_heartbeat", padding]);
  return frame("x".repeat(bytes - frame("").length));
}

test("text goes from one client to another, whatever its characters", async () => {
  const ann = await Client.inRoom("text", "Ann");
  const bob = await Client.inRoom("text", "Bob");
  const text = "hello, Bob \u{1F600} \u{00E9}\u{4E2D} \"quoted\" \\ \n";
  ann.send([0, 1, 2, "chat:text", "message", { id: "1", text }]);

  assert.equal((await bob.event("message")).text, text);
  assert.equal((await ann.event("message")).from, "Ann");
  ann.socket.terminate();
  assert.equal((await bob.event("left")).name, "Ann");
  bob.socket.close();
});

test("a message in fragments, with pings in between, is one message", async () => {
  const client = await Client.open();
  const pongs = [];
  client.socket.on("pong", (data) => pongs.push(data.toString()));
  const frame = '[0,0,3,"_chain","_heartbeat","\u{1F600}"]';
  const bytes = Buffer.from(frame);
  for (let i = 0; i < bytes.length; ++i) {
    client.socket.send(bytes.subarray(i, i + 1), { binary: false, fin: i === bytes.length - 1 });
    if (i % 10 === 0) client.socket.ping(String(i));
  }
  assert.deepEqual(await client.receive(), [1, 0, 3, 0, null]);
  assert.deepEqual(pongs, ["0", "10", "20", "30"]);
  client.socket.close();
});

test("pings are answered with their payload", async () => {
  const client = await Client.open();
  for (const payload of ["", "x", "p".repeat(125)]) {
    const pong = new Promise((resolve) => client.socket.once("pong", resolve));
    client.socket.ping(payload);
    assert.equal((await pong).toString(), payload);
  }
  client.socket.close();
});

test("the client's close code comes back", async () => {
  for (const code of [1000, 1001, 3000, 4999]) {
    const client = await Client.open();
    client.socket.close(code, "bye");
    assert.equal((await client.closed).code, code);
  }
  const silent = await Client.open();
  silent.socket.close();
  assert.equal((await silent.closed).code, 1005);
});

test("mistakes are closed with their codes", async () => {
  const mistakes = [
    [1007, (socket) => socket.send("not JSON")],
    [1007, (socket) => socket.send(Buffer.from([0x22, 0xff, 0x22]), { binary: false })],
    [1003, (socket) => socket.send(Buffer.from("bytes"))],
    [1008, (socket) => socket.send("{}")],
    [1008, (socket) => socket.send('[2,"chat:a","message",{}]')],
    [1009, (socket) => socket.send(heartbeatOf(LIMIT + 1))],
    [1009, (socket) => socket.send(heartbeatOf(20 * LIMIT))],
    [1002, (socket) => socket.send("text", { mask: false })],
  ];
  for (const [code, make] of mistakes) {
    const client = await Client.open();
    client.socket.on("error", () => {}); // the server may be gone before all is sent
    make(client.socket);
    assert.equal((await client.closed).code, code);
  }
});

test("a message of exactly the limit is taken", async () => {
  const client = await Client.open();
  client.socket.send(heartbeatOf(LIMIT));
  assert.deepEqual(await client.receive(), [1, 0, 7, 0, null]);
  client.socket.close();
});

test("compression that a client offers is not switched on unasked", async () => {
  const client = await Client.open({ perMessageDeflate: true });
  assert.equal(client.socket.extensions, "");
  client.socket.close();
});

test("a page of another origin is refused", async () => {
  const client = new Client({ origin: "http://evil.example" });
  client.socket.on("error", () => {});
  const answer = new Promise((resolve) => client.socket.on("unexpected-response", (_, response) => resolve(response)));
  assert.equal((await answer).statusCode, 403);
  client.socket.terminate();
});

test("a thousand pushes in one go are answered in order", async () => {
  const client = await Client.inRoom("many", "Ann");
  for (let ref = 2; ref < 1002; ++ref) client.send([0, 1, ref, "chat:many", "message", { id: String(ref), text: "hi" }]);
  const ids = [];
  while (ids.length < 1000) ids.push((await client.event("message")).id);
  assert.deepEqual(ids, Array.from({ length: 1000 }, (_, i) => String(i + 2)));
  client.socket.close();
});

test("a server that stops says 1012, and its successor at the same port takes the client back", async () => {
  const client = await Client.inRoom("restart", "Ann");
  assert.equal(await server.stop(), 0);
  assert.equal((await client.closed).code, 1012);
  await server.start();
  const again = await Client.inRoom("restart", "Ann");
  again.socket.close();
});
