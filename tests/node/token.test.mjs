// The application's token, from the client in Node.js to the connect handler of a real server.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

import { PhoenixServer } from "../browser/support.mjs";

const require = createRequire(new URL("../npm/package.json", import.meta.url));
const WebSocket = require("ws");
const chain = require("../../client/dist/chain.js");

let server;
before(async () => (server = await PhoenixServer.start()));
after(() => server.stop());

for (const transport of ["WebSocket", "SSE"]) {
  test(`pain 9: a token of any characters reaches the connect handler over ${transport}, outside the URL`, async (t) => {
    const authToken = transport === "WebSocket" ? "t\u00f6k\u{1F600}n/+?" : "tok-en._~+/==";
    const socket = new chain.Socket(`http://localhost:${server.port}/socket`, { WebSocket, transport: [transport], authToken });
    t.after(() => socket.disconnect());
    socket.connect();
    const channel = socket.channel(`room:${transport}`);
    await new Promise((resolve, reject) => channel.join().on("ok", resolve).on("error", reject));
    const who = await new Promise((resolve, reject) => channel.push("who", {}).on("ok", resolve).on("error", reject));
    assert.equal(who.token, authToken);
  });
}
