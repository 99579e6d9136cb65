// Presence: the algorithm, and a channel that follows a server.
import assert from "node:assert/strict";
import test from "node:test";
import { calls, chain, joined, settled, until } from "./support.mjs";

const { Presence } = chain;
const meta = (ref, more = {}) => ({ phx_ref: ref, ...more });
const entry = (...refs) => ({ metas: refs.map((ref) => meta(ref)) });
const empty = { joins: {}, leaves: {} };

/** A joined channel with a presence, whose calls are recorded. */
async function present(t, options) {
    const all = await joined(t);
    const presence = new Presence(all.channel, options);
    const heard = { join: calls(), leave: calls(), sync: calls() };
    presence.onJoin(heard.join);
    presence.onLeave(heard.leave);
    presence.onSync(heard.sync);
    const push = (event, payload) => all.server.last.send(0, all.channel.getJoinRef(), 0, "room:1", event, payload);
    const broadcast = (payload, event = "presence_diff") => all.server.last.send(2, "room:1", event, payload);
    return { ...all, presence, heard, push, broadcast };
}

test("syncState gives a copy with what the server knows, and tells each difference", () => {
    const current = { ann: entry("1", "2"), bob: entry("3") };
    const next = { ann: entry("2", "4"), eve: entry("5") };
    const [join, leave] = [calls(), calls()];
    const state = Presence.syncState(current, next, join, leave);
    assert.deepEqual(state, next);
    assert.deepEqual(current, { ann: entry("1", "2"), bob: entry("3") });
    assert.deepEqual(join.seen, [["ann", entry("1", "2"), entry("4")], ["eve", undefined, entry("5")]]);
    assert.deepEqual(leave.seen, [["ann", entry("2", "4"), entry("1")], ["bob", { metas: [] }, entry("3")]]);
});

test("syncState of the same state tells nothing", () => {
    const [join, leave] = [calls(), calls()];
    const state = { ann: entry("1") };
    assert.deepEqual(Presence.syncState(state, state, join, leave), state);
    assert.deepEqual([join.seen, leave.seen], [[], []]);
});

test("syncDiff adds new metas behind those that are there, and removes a key with its last meta", () => {
    const state = { ann: entry("1") };
    assert.equal(Presence.syncDiff(state, { joins: { ann: entry("2"), bob: entry("3") }, leaves: {} }), state);
    assert.deepEqual(state, { ann: entry("1", "2"), bob: entry("3") });
    Presence.syncDiff(state, { joins: {}, leaves: { ann: entry("1"), bob: entry("3"), nobody: entry("9") } });
    assert.deepEqual(state, { ann: entry("2") });
});

test("a diff that comes twice changes nothing more", () => {
    const diff = { joins: { ann: entry("1", "2") }, leaves: {} };
    const state = Presence.syncDiff(Presence.syncDiff({}, diff), diff);
    assert.deepEqual(state, { ann: entry("1", "2") });
});

test("an update is a join and a leave of the same key", () => {
    const [join, leave] = [calls(), calls()];
    const next = { metas: [meta("2", { phx_ref_prev: "1", mood: "glad" })] };
    const state = Presence.syncDiff({ ann: entry("1") }, { joins: { ann: next }, leaves: { ann: entry("1") } }, join, leave);
    assert.deepEqual(state, { ann: next });
    assert.deepEqual(join.seen, [["ann", entry("1"), next]]);
    assert.deepEqual(leave.seen, [["ann", next, entry("1")]]);
});

test("what the server adds beside the metas is kept", () => {
    const state = Presence.syncDiff({}, { joins: { ann: { metas: [meta("1")], name: "Ann" } }, leaves: {} });
    assert.equal(Presence.list(state)[0].name, "Ann");
});

test("keys named as JavaScript's own are keys like others", () => {
    const diff = JSON.parse('{"joins":{"__proto__":{"metas":[{"phx_ref":"1"}]},"constructor":{"metas":[{"phx_ref":"2"}]}},"leaves":{}}');
    const state = Presence.syncDiff({}, diff);
    assert.deepEqual(Presence.list(state, (key) => key), ["__proto__", "constructor"]);
    assert.equal({}.metas, undefined);
    const copy = Presence.syncState({}, state);
    assert.deepEqual(Presence.list(copy, (key, { metas }) => [key, metas[0].phx_ref]), [["__proto__", "1"], ["constructor", "2"]]);
    assert.deepEqual(Presence.syncDiff(copy, { joins: {}, leaves: diff.joins }), {});
});

test("list gives the presences, or what is chosen of each", () => {
    const state = { ann: entry("1", "2"), bob: entry("3") };
    assert.deepEqual(Presence.list(state), [entry("1", "2"), entry("3")]);
    assert.deepEqual(Presence.list(state, (key, { metas }) => `${key} ${metas.length}`), ["ann 2", "bob 1"]);
});

test("a presence follows the channel's state and diffs", async (t) => {
    const { presence, heard, push, broadcast } = await present(t);
    assert.equal(presence.inPendingSyncState(), true);
    push("presence_state", { ann: entry("1") });
    await until(() => heard.sync.seen.length === 1);
    assert.equal(presence.inPendingSyncState(), false);
    broadcast({ joins: { bob: entry("2") }, leaves: { ann: entry("1") } });
    await until(() => heard.sync.seen.length === 2);
    assert.deepEqual(presence.state, { bob: entry("2") });
    assert.deepEqual(presence.list((key) => key), ["bob"]);
    assert.deepEqual(heard.join.seen.map(([key]) => key), ["ann", "bob"]);
    assert.deepEqual(heard.leave.seen.map(([key]) => key), ["ann"]);
});

test("diffs before the state wait for it", async (t) => {
    const { presence, heard, push, broadcast } = await present(t);
    broadcast({ joins: { bob: entry("2") }, leaves: {} });
    await settled();
    assert.deepEqual([presence.state, heard.sync.seen], [{}, []]);
    push("presence_state", { ann: entry("1"), bob: entry("2") });
    await until(() => heard.sync.seen.length === 1);
    assert.deepEqual(presence.state, { ann: entry("1"), bob: entry("2") });
});

test("after a rejoin the next state counts, and nothing that came before the join was answered", async (t) => {
    const { server, channel, presence, heard, push, broadcast } = await present(t);
    push("presence_state", { ann: entry("1") });
    await until(() => heard.sync.seen.length === 1);

    let answer;
    server.answers._join = (connection, frame) => (answer = () => connection.reply(frame, 0));
    push("_error", {});
    await until(() => answer);
    assert.equal(presence.inPendingSyncState(), true);
    broadcast({ joins: { ghost: entry("9") }, leaves: {} });
    await settled();
    answer();
    await until(() => channel.isJoined());
    broadcast({ joins: { bob: entry("2") }, leaves: {} });
    push("presence_state", {});
    await until(() => heard.sync.seen.length === 2);
    assert.deepEqual(presence.state, { bob: entry("2") });
    assert.deepEqual(heard.leave.seen.map(([key]) => key), ["ann"]);
});

test("the server's events may have other names", async (t) => {
    const { presence, heard, push, broadcast } = await present(t, { events: { state: "who", diff: "who_changed" } });
    push("presence_state", { nobody: entry("0") });
    push("who", { ann: entry("1") });
    broadcast({ ...empty, joins: { bob: entry("2") } }, "who_changed");
    await until(() => heard.sync.seen.length === 2);
    assert.deepEqual(presence.list((key) => key), ["ann", "bob"]);
});

test("a callback that throws does not keep the state from being complete", async (t) => {
    const { presence, heard, push } = await present(t);
    const error = t.mock.method(console, "error", () => undefined);
    presence.onJoin(() => {
        throw new Error("on purpose");
    });
    push("presence_state", { ann: entry("1"), bob: entry("2") });
    await until(() => heard.sync.seen.length === 1);
    assert.deepEqual(Object.keys(presence.state), ["ann", "bob"]);
    assert.equal(error.mock.callCount(), 2);
});
