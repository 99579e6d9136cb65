// The chat's server-sent events as others read them: the `eventsource` package, curl, and the client in Node.js.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

import { ChatServer, until } from "../browser/support.mjs";

const require = createRequire(new URL("../npm/package.json", import.meta.url));
const { EventSource } = require("eventsource");
const WebSocket = require("ws");
const chain = createRequire(import.meta.url)("../../client/dist/chain.js");

let server;
before(async () => (server = await ChatServer.start()));
after(() => server.stop());

/** `EventSource` and `fetch` with one store of cookies, as those of a browser. */
function browser() {
  const cookies = new Map();
  const withCookies = async (url, init = {}) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(url, { ...init, headers: { ...init.headers, ...(cookie && { cookie }) } });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      cookies.set(name, value);
    }
    return response;
  };
  class WithCookies extends EventSource {
    constructor(url, init) {
      super(url, { ...init, fetch: withCookies });
    }
  }
  return { EventSource: WithCookies, fetch: withCookies };
}

const endpoint = () => `${server.url}socket`;
const pushOf = (...parts) => JSON.stringify([0, 1, ...parts]);

async function post(fetch, sid, body, headers = { "Content-Type": "application/json" }) {
  const response = await fetch(`${endpoint()}/sse?sid=${sid}`, { method: "POST", headers, body });
  assert.equal(response.status, 200);
}

test("the eventsource package receives a broadcast", async () => {
  const { EventSource: Source, fetch } = browser();
  const source = new Source(`${endpoint()}/sse?sid=es`);
  const events = [];
  source.onmessage = ({ data, lastEventId }) => events.push({ frame: JSON.parse(data), lastEventId });
  await until("the stream", () => source.readyState === 1);
  await post(fetch, "es", pushOf(1, "chat:es", "_join", { name: "Ann", key: "Ann" }));
  await until("the reply", () => events.some(({ frame }) => frame[0] === 1 && frame[3] === 0));

  const ws = new WebSocket(`${endpoint().replace("http", "ws")}/websocket`);
  await new Promise((resolve) => ws.once("open", resolve));
  ws.send(pushOf(1, "chat:es", "_join", { name: "Bob", key: "Bob" }));
  ws.send(pushOf(2, "chat:es", "message", { id: "1", text: "h\u00e9llo \u{1F600}\nBob" }));
  const isMessage = ({ frame }) => frame[0] === 2 && frame[2] === "message";
  await until("the broadcast", () => events.some(isMessage));
  source.close();
  ws.close();

  const { frame } = events.find(isMessage);
  assert.deepEqual([frame[1], frame[3].from, frame[3].text], ["chat:es", "Bob", "h\u00e9llo \u{1F600}\nBob"]);
  const ids = events.map(({ lastEventId }) => lastEventId.split("-"));
  assert.deepEqual(ids.map(([, number]) => Number(number)), ids.map((_, index) => index + 1));
  assert.equal(new Set(ids.map(([epoch]) => epoch)).size, 1);
});

test("curl -N shows a readable stream", async () => {
  const curl = spawn("curl", ["-sN", "-i", `${endpoint()}/sse?sid=curl`], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  curl.stdout.on("data", (data) => (output += data));
  try {
    await until("the first line of the stream", () => output.includes("\nretry: "));
    assert.match(output, /^HTTP\/1\.1 200 OK\r\n/);
    const cookie = /^Set-Cookie: (chain\.curl=[0-9a-f]{32,});/m.exec(output)[1];
    const headers = { "Content-Type": "application/json", cookie };
    await post(fetch, "curl", pushOf(1, "chat:curl", "_join", { name: "Cy", key: "Cy" }), headers);
    await post(fetch, "curl", pushOf(2, "chat:curl", "message", { id: "1", text: "readable" }), headers);
    await until("the message", () => /\nid: \S+-\d+\ndata: \[2,"chat:curl","message",\{.*"readable".*\}\]\n\n/.test(output));
    const body = output.slice(output.indexOf("\r\n\r\n") + 4);
    assert.match(body, /^retry: \d+\n\n(id: [0-9a-f]+-\d+\ndata: \[.*\]\n\n)+$/);
  } finally {
    curl.kill();
  }
});

test("the client chats over SSE in Node.js, and lists who came by WebSocket", async (t) => {
  const over = (name, options) => {
    const socket = new chain.Socket(endpoint(), { transport: [name], ...options });
    t.after(() => socket.disconnect());
    return socket;
  };
  const people = [over("SSE", browser()), over("SSE", browser()), over("WebSocket", { WebSocket })];
  const channels = people.map((socket, index) => socket.channel("chat:node", { name: `N${index}`, key: `N${index}` }).join());
  const heard = channels.map(() => []);
  channels.forEach((channel, index) => channel.on("message", ({ text }) => heard[index].push(text)));
  await until("all joins", () => channels.every((channel) => channel.isJoined()));

  const texts = Array.from({ length: 300 }, (_, index) => `${index}`);
  let answered = 0;
  for (const text of texts) channels[0].push("message", { id: text, text }).on("ok", () => answered++);
  await until("all messages", () => heard.every((list) => list.length >= texts.length) && answered === texts.length);
  for (const list of heard) assert.deepEqual(list, texts);
});
