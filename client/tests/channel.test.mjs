// Joining, pushing, receiving and leaving.
import assert from "node:assert/strict";
import test from "node:test";
import { calls, chain, joined, makeSocket, mockTimers, settled, TestServer, until } from "./support.mjs";

const silent = () => undefined;
const refuse = (payload) => (connection, frame) => connection.reply(frame, 1, payload);

/** A connected socket under mocked timers, and a channel that is not joined yet. */
async function unjoined(t, { topic = "room:1", params, channelOptions } = {}) {
    const server = await TestServer.start(t);
    const socket = makeSocket(t, server.endpoint);
    const channel = socket.channel(topic, params, channelOptions);
    await until(() => socket.isConnected());
    return { server, socket, channel, timers: mockTimers(t) };
}

/** Loses the connection and comes back. */
async function reconnect(server, socket, timers) {
    server.last.ws.terminate();
    await until(() => !socket.isConnected());
    timers.tick(500);
    await until(() => socket.isConnected());
}

/** Waits until everything the server has sent before is handled. */
async function handled(server, socket) {
    const message = calls();
    socket.on("message", message);
    server.last.send(2, "fence", "fence", null);
    await until(() => message.seen.some(([{ topic }]) => topic === "fence"));
}

test("a join sends the params and says ok with the reply", async (t) => {
    const { server, channel } = await unjoined(t, { params: { name: "Ada" } });
    const [ok, joinOk] = [calls(), calls()];
    assert.equal(channel.isClosed(), true);
    assert.equal(channel.join().on("ok", ok).on("join:ok", joinOk), channel);
    assert.equal(channel.isJoining(), true);
    await until(() => channel.isJoined());
    assert.deepEqual([ok.seen, joinOk.seen], [[[{ joined: "room:1" }]], [[{ joined: "room:1" }]]]);

    const [frame] = server.last.of("_join");
    assert.deepEqual(frame, [0, frame[2], frame[2], "room:1", "_join", { name: "Ada" }]);
    assert.equal(channel.getJoinRef(), frame[1]);
    assert.equal(channel.getTopic(), "room:1");
});

test("a listener may be set before the join", async (t) => {
    const { channel } = await unjoined(t);
    const ok = calls();
    channel.on("ok", ok).join();
    await until(() => ok.seen.length === 1);
});

test("params may come from a function, asked for each join", async (t) => {
    let asked = 0;
    const { server, socket, channel, timers } = await unjoined(t, { params: () => ({ asked: ++asked }) });
    channel.join();
    await until(() => channel.isJoined());
    await reconnect(server, socket, timers);
    await until(() => channel.isJoined());
    assert.deepEqual(server.connections.map((connection) => connection.of("_join")[0][5].asked), [1, 2]);
});

test("a refused join says error and is tried again after growing delays", async (t) => {
    const { server, channel, timers } = await unjoined(t);
    const error = calls();
    server.answers._join = refuse({ reason: "a name is required" });
    channel.join().on("error", error);
    await until(() => error.seen.length === 1);
    assert.deepEqual(error.seen[0], [{ reason: "a name is required" }]);
    assert.equal(channel.isErrored(), true);
    for (const [index, delay] of [1000, 2000, 5000, 10_000, 10_000].entries()) {
        timers.tick(delay - 1);
        assert.equal(channel.isErrored(), true);
        timers.tick(1);
        assert.equal(channel.isJoining(), true);
        await until(() => error.seen.length === index + 2);
    }
    delete server.answers._join;
    server.answers._join = (connection, frame) => connection.reply(frame, 0);
    timers.tick(10_000);
    await until(() => channel.isJoined());
});

test("a draining server's delay is kept", async (t) => {
    const { server, channel, timers } = await unjoined(t);
    server.answers._join = refuse({ reason: "draining", retry_after_ms: 7000 });
    channel.join();
    await until(() => channel.isErrored());
    timers.tick(7999);
    assert.equal(channel.isErrored(), true);
    timers.tick(1);
    assert.equal(channel.isJoining(), true);
});

test("leaving in the error listener ends the tries", async (t) => {
    const { server, channel, timers } = await unjoined(t);
    server.answers._join = refuse({ reason: "unauthorized" });
    channel.join().on("error", () => channel.leave());
    await until(() => channel.isClosed());
    timers.tick(100_000);
    await settled();
    assert.equal(server.last.frames.length, 1);
});

test("a join without answer says timeout, tells the server to forget it, and is tried again", async (t) => {
    const { server, channel, timers } = await unjoined(t);
    const timeout = calls();
    server.answers._join = silent;
    channel.join(3000).on("timeout", timeout);
    await until(() => server.last.of("_join").length === 1);
    const first = server.last.of("_join")[0];
    timers.tick(3000);
    assert.deepEqual([timeout.seen.length, channel.isErrored()], [1, true]);
    await until(() => server.last.of("_leave").length === 1);
    assert.equal(server.last.of("_leave")[0][1], first[1]);

    timers.tick(1000);
    await until(() => server.last.of("_join").length === 2);
    server.last.reply(first, 0);
    await settled();
    assert.equal(channel.isJoining(), true, "the late answer is to another join");
    server.last.reply(server.last.of("_join")[1], 0);
    await until(() => channel.isJoined());
});

test("a join made while there is no connection says timeout too", async (t) => {
    const timers = mockTimers(t);
    const timeout = calls();
    const socket = makeSocket(t, undefined, { getNodes: () => new Promise(() => undefined) });
    const channel = socket.channel("room:1").join(500).on("timeout", timeout);
    timers.tick(500);
    assert.deepEqual([timeout.seen.length, channel.isErrored()], [1, true]);
});

test("a push says ok or error with the reply", async (t) => {
    const { server, channel } = await joined(t);
    server.answers.good = (connection, frame) => connection.reply(frame, 0, { sum: 3 });
    server.answers.bad = refuse({ reason: "no" });
    const [ok, error, late] = [calls(), calls(), calls()];
    const good = channel.push("good", { a: 1 }).on("ok", ok).on("error", assert.fail);
    channel.push("bad", { a: 2 }).on("error", error).on("ok", assert.fail);
    await until(() => ok.seen.length + error.seen.length === 2);
    assert.deepEqual([ok.seen, error.seen], [[[{ sum: 3 }]], [[{ reason: "no" }]]]);
    assert.deepEqual(server.last.of("good")[0], [0, channel.getJoinRef(), good.getRef(), "room:1", "good", { a: 1 }]);

    good.on("ok", late);
    await until(() => late.seen.length === 1);
});

test("what is pushed is what arrives, and nothing is an empty object", async (t) => {
    const { server, channel } = await joined(t);
    mockTimers(t);
    for (const payload of [undefined, null, 0, false, "", [], "text"]) channel.push("e", payload);
    await until(() => server.last.of("e").length === 7);
    assert.deepEqual(server.last.of("e").map((frame) => frame[5]), [{}, {}, 0, false, "", [], "text"]);
});

test("a reply to another join does not answer a push", async (t) => {
    const { server, socket, channel } = await joined(t);
    const ok = calls();
    server.answers.ask = (connection, [, joinRef, ref]) => connection.send(1, joinRef + 1, ref, 0, "stale");
    channel.push("ask").on("ok", ok);
    await until(() => server.last.of("ask").length === 1);
    await handled(server, socket);
    assert.equal(ok.seen.length, 0);
    server.last.reply(server.last.of("ask")[0], 0, "right");
    await until(() => ok.seen.length === 1);
    assert.deepEqual(ok.seen, [["right"]]);
});

test("a push without answer says timeout, after the time of the push or of the socket", async (t) => {
    const { server, channel } = await joined(t);
    const timers = mockTimers(t);
    const [short, normal] = [calls(), calls()];
    channel.push("quiet", {}, 200).on("timeout", short);
    channel.push("quiet").on("timeout", normal);
    timers.tick(200);
    assert.deepEqual([short.seen.length, normal.seen.length], [1, 0]);
    timers.tick(29_800);
    assert.equal(normal.seen.length, 1);
    assert.equal(server.connections.length, 1);
});

test("a push without a time limit waits for its answer", async (t) => {
    const { server, channel } = await joined(t);
    const timers = mockTimers(t);
    const [ok, timeout] = [calls(), calls()];
    server.answers.slow = silent;
    channel.push("slow", {}, Infinity).on("ok", ok).on("timeout", timeout);
    await until(() => server.last.of("slow").length === 1);
    timers.tick(24 * 3600 * 1000);
    assert.equal(timeout.seen.length, 0);
    server.last.reply(server.last.of("slow")[0], 0);
    await until(() => ok.seen.length === 1);
});

test("pushes before the join is done are kept in order and sent then", async (t) => {
    const { server, channel } = await unjoined(t);
    server.answers._join = silent;
    channel.join();
    assert.equal(channel.canPush(), false);
    channel.push("first");
    channel.push("second");
    await until(() => server.last.frames.length === 1);
    await settled();
    assert.equal(server.last.frames.length, 1);
    server.last.reply(server.last.frames[0], 0);
    await until(() => server.last.frames.length === 3);
    assert.deepEqual(server.last.frames.map((frame) => frame[4]), ["_join", "first", "second"]);
    assert.equal(channel.canPush(), true);
});

test("a push that waited too long for the join is not sent", async (t) => {
    const { server, channel, timers } = await unjoined(t);
    const timeout = calls();
    server.answers._join = silent;
    channel.join();
    channel.push("stale", {}, 100).on("timeout", timeout);
    channel.push("fresh");
    timers.tick(100);
    assert.equal(timeout.seen.length, 1);
    await until(() => server.last.frames.length === 1);
    server.last.reply(server.last.frames[0], 0);
    await until(() => server.last.of("fresh").length === 1);
    assert.equal(server.last.of("stale").length, 0);
});

test("pitfall 45: a push while the connection is down is sent after the rejoin; a lost one says timeout", async (t) => {
    const { server, socket, channel } = await joined(t);
    const timers = mockTimers(t);
    const [lost, ok] = [calls(), calls()];
    server.answers.lost = silent;
    server.answers.kept = (connection, frame) => connection.reply(frame, 0);
    channel.push("lost").on("timeout", lost);
    await until(() => server.last.of("lost").length === 1);
    server.last.ws.terminate();
    await until(() => !socket.isConnected());
    channel.push("kept").on("ok", ok);
    timers.tick(500);
    await until(() => ok.seen.length === 1);
    assert.deepEqual(server.last.frames.map((frame) => frame[4]), ["_join", "kept"]);
    assert.equal(server.last.of("kept")[0][1], channel.getJoinRef());
    timers.tick(30_000);
    assert.equal(lost.seen.length, 1);
});

test("a push before join is called, and an event with a comma, are refused where they are written", (t) => {
    mockTimers(t);
    const socket = makeSocket(t, undefined, { getNodes: () => new Promise(() => undefined) });
    const channel = socket.channel("room:1");
    assert.throws(() => channel.push("shout", {}), /before join/);
    channel.join();
    assert.throws(() => channel.push("a,b", {}), /comma/);
    assert.throws(() => channel.join(), /joined already/);
    assert.throws(() => socket.channel("room:*"), /asterisk/);
    assert.throws(() => socket.channel("a,b"), /comma/);
});

test("events reach the listeners with payload, ref and join ref", async (t) => {
    const { server, socket, channel } = await joined(t);
    const [shout, gone] = [calls(), calls()];
    channel.on("shout", shout).on("shout", gone).off("shout", gone);
    const joinRef = channel.getJoinRef();
    server.last.send(0, joinRef, 0, "room:1", "shout", { n: 1 });
    server.last.send(2, "room:1", "shout", { n: 2 });
    server.last.send(0, 0, 0, "room:1", "shout", { n: 3 });
    await handled(server, socket);
    assert.deepEqual(shout.seen, [
        [{ n: 1 }, 0, joinRef],
        [{ n: 2 }, 0, joinRef],
        [{ n: 3 }, 0, joinRef],
    ]);
    assert.equal(gone.seen.length, 0);
});

test("frames of other topics and of earlier memberships do not reach the channel", async (t) => {
    const { server, socket, channel } = await joined(t);
    const shout = calls();
    channel.on("shout", shout);
    server.last.send(2, "room:2", "shout", {});
    server.last.send(2, "room:1 ", "shout", {});
    server.last.send(0, channel.getJoinRef() + 7, 0, "room:1", "shout", {});
    server.last.send(0, channel.getJoinRef() + 7, 0, "room:1", "_close", {});
    await handled(server, socket);
    assert.deepEqual([shout.seen.length, channel.isJoined()], [0, true]);
});

test("onMessage sees events and replies first, and may change them", async (t) => {
    const seen = [];
    const onMessage = (event, payload) => {
        seen.push(event);
        return event === "_reply" ? { ...payload, response: "changed" } : 0;
    };
    const { server, channel } = await joined(t, { channelOptions: { onMessage } });
    const [shout, ok] = [calls(), calls()];
    server.answers.ask = (connection, frame) => connection.reply(frame, 0, "original");
    channel.on("shout", shout).push("ask").on("ok", ok);
    await until(() => ok.seen.length === 1);
    server.last.send(2, "room:1", "shout", { text: "hi" });
    await until(() => shout.seen.length === 1);
    assert.deepEqual(ok.seen, [["changed"]]);
    assert.equal(shout.seen[0][0], 0, "a falsy payload is a payload");
    assert.deepEqual(seen, ["_reply", "_reply", "shout"]);
});

test("an onMessage that forgets to return is shown, and other channels still get the message", async (t) => {
    const shown = t.mock.method(console, "error", () => undefined).mock;
    const onMessage = (event, payload) => (event === "_reply" ? payload : undefined);
    const { server, socket, channel } = await joined(t, { channelOptions: { onMessage } });
    const [shout, other] = [calls(), calls()];
    channel.on("shout", shout);
    const second = socket.channel("room:2").on("shout", other).join();
    await until(() => second.isJoined());
    server.last.send(2, "room:1", "shout", {});
    server.last.send(2, "room:2", "shout", {});
    await until(() => other.seen.length === 1);
    assert.equal(shout.seen.length, 0);
    assert.match(String(shown.calls[0].arguments[0]), /must return the payload/);
});

test("an onMessage that throws does not keep a channel from ending", async (t) => {
    const shown = t.mock.method(console, "error", () => undefined).mock;
    const onMessage = (event, payload) => (event === "_reply" ? payload : undefined);
    const { server, channel } = await joined(t, { channelOptions: { onMessage } });
    const closed = calls();
    channel.onClose(closed);
    server.last.send(0, channel.getJoinRef(), 0, "room:1", "_close", {});
    await until(() => channel.isClosed());
    assert.deepEqual(closed.seen[0][0], {});
    assert.equal(shown.callCount(), 1);
});

test("after a reconnect every channel joins again with a new join ref", async (t) => {
    const { server, socket, channel } = await joined(t);
    const second = socket.channel("room:2").join();
    await until(() => second.isJoined());
    const timers = mockTimers(t);
    const [ok, before] = [calls(), channel.getJoinRef()];
    channel.on("ok", ok);
    server.last.ws.terminate();
    await until(() => !socket.isConnected());
    assert.deepEqual([channel.isErrored(), second.isErrored()], [true, true]);
    timers.tick(500);
    await until(() => channel.isJoined() && second.isJoined());
    assert.notEqual(channel.getJoinRef(), before);
    assert.deepEqual(server.last.of("_join").map((frame) => frame[3]), ["room:1", "room:2"]);
    assert.equal(ok.seen.length, 1);
});

test("params that throw after a reconnect are shown, and the other channels join all the same", async (t) => {
    const shown = t.mock.method(console, "error", silent).mock;
    let fails = false;
    const params = () => {
        if (fails) throw new Error("no token");
        return {};
    };
    const { server, socket, channel, timers } = await unjoined(t, { params });
    const second = socket.channel("room:2").join();
    channel.join();
    await until(() => channel.isJoined() && second.isJoined());
    const open = calls();
    socket.on("open", open);
    fails = true;
    await reconnect(server, socket, timers);
    await until(() => second.isJoined());
    assert.equal(open.seen.length, 1);
    assert.match(String(shown.calls[0].arguments[0]), /no token/);

    fails = false;
    timers.tick(30_000); // the join without params times out
    timers.tick(1000);
    await until(() => channel.isJoined());
});

test("a leave is confirmed by the server, then the channel is closed", async (t) => {
    const { server, socket, channel } = await joined(t);
    const [ok, close, shout, off] = [calls(), calls(), calls(), calls()];
    channel.on("shout", shout).onClose(close);
    channel.onClose(off)();
    server.answers._leave = silent;
    const push = channel.leave().on("ok", ok);
    assert.equal(channel.leave(), push);
    assert.equal(channel.isLeaving(), true);
    await until(() => server.last.of("_leave").length === 1);
    server.last.send(2, "room:1", "shout", {});
    await handled(server, socket);
    assert.deepEqual([ok.seen.length, shout.seen.length], [0, 0]);

    server.last.reply(server.last.of("_leave")[0], 0);
    await until(() => channel.isClosed());
    assert.deepEqual([ok.seen.length, close.seen[0][0], close.seen.length, off.seen.length], [1, "leave", 1, 0]);
    assert.equal(server.last.of("_leave")[0][1], channel.getJoinRef());
});

test("a leave that nobody confirms closes the channel all the same", async (t) => {
    const { server, channel } = await joined(t);
    const timers = mockTimers(t);
    const timeout = calls();
    server.answers._leave = silent;
    channel.leave(50).on("timeout", timeout);
    timers.tick(50);
    assert.deepEqual([channel.isClosed(), timeout.seen.length], [true, 1]);
});

test("a leave without a connection is done at once, and the channel does not join again", async (t) => {
    const { server, socket, channel } = await joined(t, { options: { disconnectIdleTimeout: Infinity } });
    const timers = mockTimers(t);
    server.last.ws.terminate();
    await until(() => !socket.isConnected());
    const ok = calls();
    channel.leave().on("ok", ok);
    await until(() => channel.isClosed());
    assert.equal(ok.seen.length, 1);
    timers.tick(500);
    await until(() => socket.isConnected());
    await handled(server, socket);
    assert.equal(server.last.frames.length, 0);
});

test("a connection that is lost during a leave ends the leave", async (t) => {
    const { server, channel } = await joined(t);
    server.answers._leave = silent;
    channel.leave();
    await until(() => server.last.of("_leave").length === 1);
    server.last.ws.terminate();
    await until(() => channel.isClosed());
});

test("leave, then join of the same topic by a new channel: the new one lives", async (t) => {
    const { server, socket, channel } = await joined(t);
    const [old, fresh] = [calls(), calls()];
    channel.on("shout", old);
    channel.leave();
    const next = socket.channel("room:1").on("shout", fresh).join();
    await until(() => next.isJoined() && channel.isClosed());
    assert.deepEqual(server.last.frames.map((frame) => frame[4]), ["_join", "_leave", "_join"]);
    server.last.send(2, "room:1", "shout", {});
    await until(() => fresh.seen.length === 1);
    assert.equal(old.seen.length, 0);
});

test("leave, then join of the same channel works at once and later", async (t) => {
    const { server, channel } = await joined(t);
    const [close, left] = [calls(), calls()];
    channel.onClose(close);
    channel.leave().on("ok", left);
    channel.join();
    await until(() => channel.isJoined() && left.seen.length === 1);
    assert.equal(close.seen.length, 1);
    channel.leave();
    await until(() => channel.isClosed());
    channel.join();
    await until(() => channel.isJoined());
    assert.deepEqual(server.last.frames.map((frame) => frame[4]), ["_join", "_leave", "_join", "_leave", "_join"]);
});

test("a second channel of a topic takes over from the first", async (t) => {
    const { socket, channel } = await joined(t);
    const second = socket.channel("room:1").join();
    await until(() => second.isJoined() && channel.isClosed());
});

test("the socket leaves a topic by its name", async (t) => {
    const { socket, channel } = await joined(t);
    socket.leave("room:2");
    assert.equal(channel.isJoined(), true);
    socket.leave("room:1");
    await until(() => channel.isClosed());
});

test("a _close of the server closes the channel, and it does not join again", async (t) => {
    const { server, channel } = await joined(t);
    const timers = mockTimers(t);
    const close = calls();
    channel.onClose(close);
    server.last.send(0, channel.getJoinRef(), 0, "room:1", "_close", { reason: "kicked" });
    await until(() => channel.isClosed());
    assert.deepEqual(close.seen[0][0], { reason: "kicked" });
    timers.tick(4000);
    await settled();
    assert.equal(server.last.frames.length, 1);
});

test("an _error of the server is told, and the channel joins again after a delay", async (t) => {
    const { server, channel } = await joined(t);
    const timers = mockTimers(t);
    const error = calls();
    channel.onError(error);
    const joinRef = channel.getJoinRef();
    server.last.send(0, joinRef, 0, "room:1", "_error", { reason: "failed" });
    await until(() => channel.isErrored());
    assert.deepEqual(error.seen, [[{ reason: "failed" }, 0, joinRef]]);
    timers.tick(999);
    assert.equal(channel.isErrored(), true);
    timers.tick(1);
    await until(() => channel.isJoined());
    assert.notEqual(channel.getJoinRef(), joinRef);
});

test("a server that has forgotten the membership makes the channel join again", async (t) => {
    const { server, channel } = await joined(t);
    const timers = mockTimers(t);
    const error = calls();
    server.answers.shout = refuse({ reason: "unmatched topic" });
    channel.push("shout").on("error", error);
    await until(() => channel.isErrored());
    assert.equal(error.seen.length, 1);
    timers.tick(1000);
    await until(() => channel.isJoined());
});

test("a push may be sent again, as another message", async (t) => {
    const { server, channel } = await joined(t);
    const ok = calls();
    server.answers.ask = (connection, frame) => connection.reply(frame, 0, frame[2]);
    const push = channel.push("ask").on("ok", ok);
    await until(() => ok.seen.length === 1);
    push.resend(700);
    await until(() => ok.seen.length === 2);
    assert.notEqual(ok.seen[0][0], ok.seen[1][0]);
    assert.equal(push.getTimeout(), 700);
});

test("nothing is kept of pushes that are over", async (t) => {
    const { server, socket, channel } = await joined(t);
    const timers = mockTimers(t);
    server.answers.ask = (connection, frame) => connection.reply(frame, 0);
    const ok = calls();
    channel.push("ask").on("ok", ok);
    channel.push("quiet", {}, 100);
    await until(() => ok.seen.length === 1);
    server.last.ws.terminate();
    await until(() => !socket.isConnected());
    channel.push("later", {}, 100);
    timers.tick(100);
    assert.deepEqual([socket.pending.size, channel.pushBuffer.length], [0, 0]);
    assert.ok(chain.Channel.prototype.isPrototypeOf(channel));
});
