// Presence of the npm package `phoenix`, as it is published, against a chain server.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

import { PhoenixServer, until } from "../browser/support.mjs";

const require = createRequire(new URL("../npm/package.json", import.meta.url));
const WebSocket = require("ws");
const phoenix = require("phoenix");
const chain = require("../../client/dist/chain.js");

let server;
before(async () => (server = await PhoenixServer.start()));
after(() => server.stop());

/** Somebody in a room whose presence is followed, through either client. */
const clients = {
  phoenix: (t, topic, params) => {
    const socket = new phoenix.Socket(`ws://localhost:${server.port}/socket`, { transport: WebSocket, reconnectAfterMs: () => 50, rejoinAfterMs: () => 50 });
    socket.connect();
    t.after(() => new Promise((resolve) => socket.disconnect(resolve)));
    const channel = socket.channel(topic, params);
    const presence = new phoenix.Presence(channel);
    return { socket, channel, presence, join: () => new Promise((resolve, reject) => channel.join().receive("ok", resolve).receive("error", reject)) };
  },
  chain: (t, topic, params) => {
    const socket = new chain.Socket(`http://localhost:${server.port}/socket`, { WebSocket });
    socket.connect();
    t.after(() => socket.disconnect());
    const channel = socket.channel(topic, params);
    const presence = new chain.Presence(channel);
    return { socket, channel, presence, join: () => new Promise((resolve, reject) => channel.join().on("ok", resolve).on("error", reject)) };
  },
};

async function enter(t, client, topic, params) {
  const one = clients[client](t, topic, params);
  one.heard = { join: [], leave: [], sync: 0 };
  one.presence.onJoin((key, current, joined) => one.heard.join.push([key, current?.metas.length ?? 0, joined.metas.length]));
  one.presence.onLeave((key, current, left) => one.heard.leave.push([key, current.metas.length, left.metas.length]));
  one.presence.onSync(() => one.heard.sync++);
  await one.join();
  return one;
}

const counts = ({ presence }) => Object.fromEntries(presence.list((key, { metas }) => [key, metas.length]).sort());
const shows = (one, wanted) => until(JSON.stringify(wanted), () => JSON.stringify(counts(one)) === JSON.stringify(wanted));

for (const client of ["phoenix", "chain"]) {
  const other = client === "phoenix" ? "chain" : "phoenix";

  test(`${client}.js follows who comes and goes, in the same room as ${other}.js`, async (t) => {
    const topic = `people:${client}`;
    const ann = await enter(t, client, topic, { key: "ann", meta: { device: "phone" } });
    await shows(ann, { ann: 1 });
    const bob = await enter(t, other, topic, { key: "bob", meta: {} });
    await shows(ann, { ann: 1, bob: 1 });
    await shows(bob, { ann: 1, bob: 1 });
    const [meta] = ann.presence.list((key, { metas }) => metas[0]);
    assert.equal(meta.device, "phone");
    assert.match(meta.phx_ref, /^[\w-]{16}$/);
    assert.equal(ann.presence.state.ann.name, "The ann"); // from the fetch hook

    const second = await enter(t, other, topic, { key: "ann", meta: {} });
    for (const one of [ann, bob]) await shows(one, { ann: 2, bob: 1 });
    second.channel.leave();
    await shows(bob, { ann: 1, bob: 1 });
    await shows(ann, { ann: 1, bob: 1 });
    assert.deepEqual(ann.heard.leave, [["ann", 1, 1]]);
    bob.socket.disconnect();
    await shows(ann, { ann: 1 });
  });

  test(`${client}.js sees an update as one change, and an untrack`, async (t) => {
    const topic = `people:update ${client}`;
    const ann = await enter(t, client, topic, { key: "ann", meta: { mood: "calm" } });
    const bob = await enter(t, other, topic, { key: "bob", meta: {} });
    await shows(bob, { ann: 1, bob: 1 });
    const before = bob.presence.state.ann.metas[0].phx_ref;
    const { sync } = bob.heard;
    ann.channel.push("update", { key: "ann", meta: { mood: "glad" } });
    await until("the update", () => bob.presence.state.ann.metas[0].mood === "glad");
    assert.equal(bob.heard.sync, sync + 1);
    assert.deepEqual(counts(bob), { ann: 1, bob: 1 });
    assert.equal(bob.presence.state.ann.metas[0].phx_ref_prev, before);
    ann.channel.push("untrack", { key: "ann" });
    await shows(bob, { bob: 1 });
    await shows(ann, { bob: 1 });
  });

  test(`${client}.js joins again by itself after a crash, and knows then who is there`, async (t) => {
    const topic = `people:crash ${client}`;
    const ann = await enter(t, client, topic, { key: "ann", meta: {} });
    const bob = await enter(t, other, topic, { key: "bob", meta: {} });
    await shows(ann, { ann: 1, bob: 1 });
    const before = ann.presence.state.ann.metas[0].phx_ref;
    ann.channel.push("crash", {});
    await until("the new presence", () => (ann.presence.state.ann?.metas[0].phx_ref ?? before) !== before);
    await shows(ann, { ann: 1, bob: 1 });
    await until("the same presence for both", () => bob.presence.state.ann?.metas[0].phx_ref === ann.presence.state.ann.metas[0].phx_ref);
    await shows(bob, { ann: 1, bob: 1 });
    assert.equal(bob.presence.state.ann.metas[0].phx_ref, ann.presence.state.ann.metas[0].phx_ref);
  });
}

test("keys that mean something in JavaScript are people like others", async (t) => {
  const ann = await enter(t, "chain", "people:keys", { key: "__proto__", meta: {} });
  const bob = await enter(t, "phoenix", "people:keys", { key: "constructor", meta: {} });
  for (const one of [ann, bob]) await until("both", () => one.presence.list((key) => key).sort().join() === "__proto__,constructor");
});
