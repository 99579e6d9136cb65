// The npm package `@supabase/realtime-js`, as it is published, against a chain server. It speaks the Phoenix protocol, and has
// broadcasts and presence as events of its own.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

import { PhoenixServer, until } from "../browser/support.mjs";

const require = createRequire(new URL("../npm/package.json", import.meta.url));
const WebSocket = require("ws");
const { RealtimeClient } = require("@supabase/realtime-js");

let server;
before(async () => (server = await PhoenixServer.start()));
after(() => server.stop());

/** A client that ends with its test. */
function connect(t, options = {}) {
  const client = new RealtimeClient(`ws://localhost:${server.port}/socket`, {
    transport: WebSocket, vsn: "1.0.0", params: { apikey: "none" }, ...options,
  });
  t.after(() => client.disconnect());
  return client;
}

/** Joins; rejects with what went wrong. */
function subscribed(channel) {
  return new Promise((resolve, reject) =>
    channel.subscribe((status, error) => (status === "SUBSCRIBED" ? resolve(channel) : reject(error ?? new Error(status)))));
}

/** A channel whose presence is followed. */
async function present(client, topic, key) {
  const channel = client.channel(topic, { config: { presence: { key, enabled: true } } });
  const heard = { sync: 0, join: [], leave: [] };
  channel.on("presence", { event: "sync" }, () => heard.sync++);
  channel.on("presence", { event: "join" }, ({ key, newPresences }) => heard.join.push([key, newPresences.length]));
  channel.on("presence", { event: "leave" }, ({ key, leftPresences }) => heard.leave.push([key, leftPresences.length]));
  await subscribed(channel);
  return { channel, heard };
}

const counts = (channel) => Object.fromEntries(Object.entries(channel.presenceState()).map(([key, metas]) => [key, metas.length]).sort());

async function shows(channel, wanted) {
  await until(JSON.stringify(wanted), () => JSON.stringify(counts(channel)) === JSON.stringify(wanted));
}

test("realtime-js joins, and is told what it asks for", async (t) => {
  const channel = await subscribed(connect(t).channel("joins"));
  assert.equal(channel.state, "joined");
  assert.equal(await channel.unsubscribe(), "ok");
});

test("realtime-js broadcasts to the others, with an answer and to itself where it asks for that", async (t) => {
  const [ann, bob] = [connect(t), connect(t)];
  const heard = { ann: [], bob: [] };
  const speaker = ann.channel("talk", { config: { broadcast: { self: true, ack: true } } });
  const hearer = bob.channel("talk");
  speaker.on("broadcast", { event: "shout" }, ({ payload }) => heard.ann.push(payload));
  hearer.on("broadcast", { event: "shout" }, ({ payload }) => heard.bob.push(payload));
  await subscribed(speaker);
  await subscribed(hearer);

  assert.equal(await speaker.send({ type: "broadcast", event: "shout", payload: { text: "hello" } }), "ok");
  await hearer.send({ type: "broadcast", event: "shout", payload: { text: "not to me" } });
  await until("both broadcasts", () => heard.ann.length === 2 && heard.bob.length === 1);
  assert.deepEqual(heard, { ann: [{ text: "hello" }, { text: "not to me" }], bob: [{ text: "hello" }] });
});

for (const vsn of ["1.0.0", "2.0.0"]) {
  test(`realtime-js ${vsn} tracks presence, changes it, and untracks it`, async (t) => {
    const topic = `people ${vsn}`;
    const ann = await present(connect(t, { vsn }), topic, "ann");
    const bob = await present(connect(t, { vsn }), topic, "bob");
    assert.equal(await ann.channel.track({ mood: "calm" }), "ok");
    assert.equal(await bob.channel.track({ mood: "glad" }), "ok");
    await shows(ann.channel, { ann: 1, bob: 1 });
    await shows(bob.channel, { ann: 1, bob: 1 });
    const [meta] = bob.channel.presenceState().ann;
    assert.equal(meta.mood, "calm");
    assert.match(meta.presence_ref, /^[\w-]{16}$/);

    assert.equal(await ann.channel.track({ mood: "merry" }), "ok");
    await until("the change", () => bob.channel.presenceState().ann?.[0].mood === "merry");
    assert.deepEqual(counts(bob.channel), { ann: 1, bob: 1 });
    assert.equal(await ann.channel.untrack(), "ok");
    await shows(bob.channel, { bob: 1 });
  });
}

test("two realtime-js clients under one key are two presences, of which one remains", async (t) => {
  const first = await present(connect(t), "tabs", "ann");
  const second = await present(connect(t), "tabs", "ann");
  const watcher = await present(connect(t), "tabs", "bob");
  await first.channel.track({ tab: 1 });
  await second.channel.track({ tab: 2 });
  await shows(watcher.channel, { ann: 2 });
  second.channel.socket.disconnect();
  await shows(watcher.channel, { ann: 1 });
  assert.equal(watcher.channel.presenceState().ann[0].tab, 1);
  await until("the leave", () => watcher.heard.leave.length === 1);
  assert.deepEqual(watcher.heard.join, [["ann", 1], ["ann", 1]]);
});
