// The connection: opening, losing, coming back, moving, and what the socket does with frames.
import assert from "node:assert/strict";
import test from "node:test";
import { freePort } from "../../tests/support/port.mjs";
import { calls, chain, joined, makeSocket, mockTimers, settled, startSilent, TestServer, until } from "./support.mjs";

/** A connected socket without channels, under mocked timers. */
async function connected(t, options) {
    const server = await TestServer.start(t);
    const timers = mockTimers(t);
    const socket = makeSocket(t, server.endpoint, options);
    socket.connect();
    await until(() => socket.isConnected());
    return { server, socket, timers };
}

test("the endpoint's websocket is opened with the params in the query", async (t) => {
    const server = await TestServer.start(t);
    const socket = makeSocket(t, `${server.endpoint}/?v=1`, { params: { token: "a b&c", room: 5, none: undefined } });
    socket.connect();
    await until(() => socket.isConnected());
    const { pathname, searchParams } = server.last.url;
    assert.equal(pathname, "/socket/websocket");
    assert.deepEqual(Object.fromEntries(searchParams), { v: "1", token: "a b&c", room: "5", resume: "1" });
});

test("params may come from a function, asked before each connection", async (t) => {
    let asked = 0;
    const { server, socket, timers } = await connected(t, { params: async () => ({ token: ++asked }) });
    server.last.ws.terminate();
    await until(() => !socket.isConnected());
    timers.tick(500);
    await until(() => socket.isConnected());
    assert.deepEqual(server.connections.map(({ url }) => url.searchParams.get("token")), ["1", "2"]);
});

test("params of the transport's configuration are sent too", async (t) => {
    const { server } = await connected(t, { transport: [{ name: "WebSocket", params: { a: 1, b: 2 } }], params: { b: 3 } });
    assert.deepEqual(Object.fromEntries(server.last.url.searchParams), { a: "1", b: "3", resume: "1" });
});

test("a path is resolved against the page, with wss for https", async (t) => {
    const urls = [];
    class Recorder {
        constructor(url) {
            urls.push(url);
        }
        close() {}
    }
    globalThis.location = { href: "https://example.org/chat/index.html" };
    t.after(() => delete globalThis.location);
    mockTimers(t);
    makeSocket(t, "/socket", { WebSocket: Recorder }).connect();
    makeSocket(t, undefined, { WebSocket: Recorder, resume: false }).connect();
    makeSocket(t, "http://other.example:8080/live/#part", { WebSocket: Recorder }).connect();
    await until(() => urls.length === 3);
    assert.deepEqual(urls, [
        "wss://example.org/socket/websocket?resume=1",
        "wss://example.org/socket/websocket",
        "ws://other.example:8080/live/websocket?resume=1",
    ]);
});

test("getNodes gives the endpoint", async (t) => {
    const server = await TestServer.start(t);
    const socket = makeSocket(t, undefined, { getNodes: async () => [server.endpoint] });
    socket.connect();
    await until(() => socket.isConnected());
    assert.equal(server.connections.length, 1);
});

test("pitfall 32: the example of the README runs", async (t) => {
    const server = await TestServer.start(t);
    server.answers.my_event = (connection, frame) => {
        connection.reply(frame, 0, "Ok");
        connection.send(0, frame[1], 0, frame[3], "other_event", { value: 1 });
    };
    const [replies, others] = [calls(), calls()];

    const socket = makeSocket(t, server.endpoint);
    socket.connect();
    const channel = socket.channel("chat:lobby", { param1: "foo" });
    channel.join();
    channel.push("my_event", { name: "Ada" }).on("ok", replies);
    channel.on("other_event", others);

    await until(() => others.seen.length === 1);
    assert.deepEqual(replies.seen, [["Ok"]]);
    assert.deepEqual(others.seen[0][0], { value: 1 });
    assert.deepEqual(server.last.of("_join")[0][5], { param1: "foo" });
});

test("open, message and close are told, and off ends that", async (t) => {
    const server = await TestServer.start(t);
    const socket = makeSocket(t, server.endpoint);
    const [open, close, message, never] = [calls(), calls(), calls(), calls()];
    socket.on("open", open).on("close", close).on("message", message).on("open", never);
    socket.off("open", never);
    socket.connect();
    await until(() => open.seen.length === 1);
    assert.equal(open.seen[0][0].endpoint(), server.endpoint);

    server.last.send(2, "room:1", "shout", { text: "hi" });
    await until(() => message.seen.length === 1);
    assert.equal(message.seen[0][0].payload.text, "hi");

    socket.disconnect();
    assert.deepEqual(close.seen, [[{ code: 1000, reason: "", reconnecting: false }]]);
    assert.equal(socket.isConnected(), false);
    await until(() => server.last.closed === 1000);
    assert.equal(never.seen.length, 0);
});

test("a socket connects again after disconnect, and its channels join again", async (t) => {
    const { server, socket, channel } = await joined(t);
    socket.disconnect();
    assert.equal(channel.isErrored(), true);
    socket.connect();
    await until(() => channel.isJoined());
    assert.equal(server.connections.length, 2);
});

for (const status of [403, 502, 503]) {
    test(`pitfall 43: the client comes back after an answer ${status} to the handshake`, async (t) => {
        const server = await TestServer.start(t);
        const timers = mockTimers(t);
        const errors = calls();
        const socket = makeSocket(t, server.endpoint).on("error", errors);
        server.refuseWith = status;
        socket.connect();
        await until(() => errors.seen.length === 1);
        timers.tick(500);
        await until(() => errors.seen.length === 2);
        server.refuseWith = undefined;
        timers.tick(999);
        await settled();
        assert.equal(server.requests.length, 2, "the second delay is longer");
        timers.tick(1);
        await until(() => socket.isConnected());
        assert.equal(errors.seen[0][0].reconnecting, true);
    });
}

test("pitfall 43: the client comes back to a server that was not there", async (t) => {
    const port = await freePort();
    const timers = mockTimers(t);
    const errors = calls();
    const socket = makeSocket(t, `http://127.0.0.1:${port}/socket`).on("error", errors);
    socket.connect();
    await until(() => errors.seen.length === 1);
    await TestServer.start(t, port);
    timers.tick(500);
    await until(() => socket.isConnected());
});

test("pitfall 43: the client comes back after getNodes failed or gave nothing", async (t) => {
    const server = await TestServer.start(t);
    const timers = mockTimers(t);
    const errors = calls();
    const answers = [() => Promise.reject(new Error("502")), () => [], () => [server.endpoint]];
    const getNodes = async () => (answers.length > 1 ? answers.shift() : answers[0])();
    const socket = makeSocket(t, undefined, { getNodes }).on("error", errors);
    socket.connect();
    await until(() => errors.seen.length === 1);
    assert.equal(errors.seen[0][0].reason, "502");
    await settled();
    timers.tick(500);
    await until(() => socket.isConnected());
});

test("pitfall 43: a handshake that nobody answers is given up and tried again", async (t) => {
    const { sockets, endpoint } = await startSilent(t);
    const timers = mockTimers(t);
    const errors = calls();
    makeSocket(t, endpoint, { connectTimeout: 3000 }).on("error", errors).connect();
    await until(() => sockets.length === 1);
    timers.tick(3000);
    assert.match(errors.seen[0][0].reason, /timed out/);
    timers.tick(500);
    await until(() => sockets.length === 2);
});

test("a refused try is not given up a second time when its time is over", async (t) => {
    const server = await TestServer.start(t);
    const timers = mockTimers(t);
    const errors = calls();
    server.refuseWith = 503;
    makeSocket(t, server.endpoint, { reconnectInterval: [60_000] }).on("error", errors).connect();
    await until(() => errors.seen.length === 1);
    timers.tick(59_000);
    assert.equal(errors.seen.length, 1);
});

test("a socket that was disconnected while it asked for its params does not connect", async (t) => {
    const server = await TestServer.start(t);
    let answer;
    const socket = makeSocket(t, server.endpoint, { params: () => new Promise((resolve) => (answer = resolve)) });
    socket.connect();
    await until(() => answer);
    socket.disconnect();
    answer({});
    await settled();
    assert.deepEqual([server.requests.length, socket.isConnected()], [0, false]);
});

for (const code of [1001, 1002, 1008, 1009, 1011, 1012, 1013, 4000]) {
    test(`the client comes back after close code ${code}`, async (t) => {
        const { server, socket, timers } = await connected(t);
        const close = calls();
        socket.on("close", close);
        server.last.ws.close(code, "why");
        await until(() => close.seen.length === 1);
        assert.deepEqual(close.seen[0], [{ code, reason: "why", reconnecting: true }]);
        timers.tick(500);
        await until(() => socket.isConnected());
    });
}

for (const code of [1000, 4001]) {
    test(`the client does not come back by itself after close code ${code}`, async (t) => {
        const { server, socket, timers } = await connected(t);
        const [close, error] = [calls(), calls()];
        socket.on("close", close).on("error", error);
        server.last.ws.close(code, "over");
        await until(() => close.seen.length === 1);
        assert.deepEqual(close.seen[0], [{ code, reason: "over", reconnecting: false }]);
        timers.tick(1e6);
        await settled();
        assert.deepEqual([server.requests.length, error.seen.length], [1, 0]);
        socket.connect();
        await until(() => socket.isConnected());
    });
}

test("a delay that the close reason names is kept", async (t) => {
    const { server, socket, timers } = await connected(t);
    server.last.ws.close(1012, '{"retry_after_ms":4000}');
    await until(() => !socket.isConnected());
    timers.tick(4499);
    await settled();
    assert.equal(server.requests.length, 1);
    timers.tick(1);
    await until(() => socket.isConnected());
});

test("delays grow while connections do not last, and start anew after one that did", async (t) => {
    const { server, socket, timers } = await connected(t, { reconnectInterval: [100, 1000] });
    const lose = async () => {
        server.last.ws.terminate();
        await until(() => !socket.isConnected());
    };
    const reconnects = async (delay) => {
        timers.tick(delay - 1);
        await settled();
        assert.equal(socket.isConnected(), false);
        timers.tick(1);
        await until(() => socket.isConnected());
    };
    await lose();
    await reconnects(100);
    await lose();
    await reconnects(1000);
    timers.tick(10_000);
    await lose();
    await reconnects(100);
});

test("connect tries at once while the socket waits for its next try", async (t) => {
    const { server, socket } = await connected(t);
    server.last.ws.terminate();
    await until(() => !socket.isConnected());
    socket.connect();
    await until(() => socket.isConnected());
});

test("a page that wakes up keeps the delay that a restarting server asked for, and connect does not", async (t) => {
    globalThis.window = new EventTarget();
    t.after(() => delete globalThis.window);
    const { server, socket } = await connected(t);
    server.last.send(0, 0, 0, "_chain", "_restart", { retry_after_ms: 60_000 });
    await until(() => !socket.isConnected());
    window.dispatchEvent(new Event("online"));
    await settled();
    assert.equal(server.requests.length, 1);
    socket.connect();
    await until(() => socket.isConnected());
});

test("a page that comes online or is shown tries at once, and asks an open connection for a sign of life", async (t) => {
    globalThis.window = new EventTarget();
    globalThis.document = Object.assign(new EventTarget(), { visibilityState: "hidden" });
    t.after(() => delete globalThis.window && delete globalThis.document);
    const { server, socket } = await connected(t);
    const lose = async () => {
        server.last.ws.terminate();
        await until(() => !socket.isConnected());
    };
    await lose();
    window.dispatchEvent(new Event("online"));
    await until(() => socket.isConnected());

    await lose();
    document.dispatchEvent(new Event("visibilitychange"));
    await settled();
    assert.equal(socket.isConnected(), false, "hidden");
    document.visibilityState = "visible";
    document.dispatchEvent(new Event("visibilitychange"));
    await until(() => socket.isConnected());

    window.dispatchEvent(new Event("pageshow"));
    await until(() => server.last.of("_heartbeat").length === 1);
    socket.disconnect();
    window.dispatchEvent(new Event("online"));
    await settled();
    assert.equal(server.requests.length, 3, "not after disconnect");
});

test("pain 8: when the authorisation is about to expire, a new token is fetched and shown", async (t) => {
    let asked = 0;
    const refresh = async (expiresIn) => ({ token: `${++asked} of ${expiresIn}` });
    const { server, socket } = await connected(t, { refresh });
    const [tokens, heard] = [[], []];
    const answers = [[1, { reason: "no" }], [0, { expires_in_ms: 9 }]];
    server.answers._refresh = (connection, frame) => {
        tokens.push(frame[5]);
        connection.reply(frame, ...answers.shift());
    };
    socket.on("expiring", (expiresIn) => heard.push(expiresIn));
    socket.on("refreshed", (...answer) => heard.push(...answer));
    socket.on("message", (message) => heard.push(message));
    for (const expires_in_ms of [300, 200]) {
        const before = heard.length;
        server.last.send(0, 0, 0, "_chain", "_expiring", { expires_in_ms });
        await until(() => heard.length === before + 3);
    }
    assert.deepEqual(tokens, [{ token: "1 of 300" }, { token: "2 of 200" }]);
    assert.deepEqual(heard, [300, "error", { reason: "no" }, 200, "ok", { expires_in_ms: 9 }]);
    assert.equal(server.connections.length, 1);
});

test("the heartbeat goes out every 30 s and its answer keeps the connection", async (t) => {
    const { server, socket, timers } = await connected(t);
    const messages = calls();
    socket.on("message", messages);
    for (let beat = 1; beat <= 3; beat++) {
        timers.tick(29_999);
        await settled();
        assert.equal(server.last.of("_heartbeat").length, beat - 1);
        timers.tick(1);
        await until(() => server.last.of("_heartbeat").length === beat);
        await until(() => socket.heartbeat.ref === 0, "the answer");
    }
    const [frame] = server.last.of("_heartbeat");
    assert.deepEqual(frame, [0, 0, frame[2], "_chain", "_heartbeat", null]);
    assert.ok(frame[2] > 0);
    assert.deepEqual([server.connections.length, messages.seen.length], [1, 0]);
});

test("pitfall 43: a heartbeat without answer ends the connection, and the client comes back", async (t) => {
    const { server, socket, timers } = await connected(t);
    const close = calls();
    socket.on("close", close);
    server.answers._heartbeat = () => undefined;
    timers.tick(30_000);
    await until(() => server.last.of("_heartbeat").length === 1);
    timers.tick(9999);
    assert.equal(socket.isConnected(), true);
    timers.tick(1);
    assert.equal(socket.isConnected(), false);
    assert.equal(close.seen[0][0].reconnecting, true);
    timers.tick(500);
    await until(() => socket.isConnected());
    assert.equal(server.connections.length, 2);
});

test("a heartbeat interval of 0 means none", async (t) => {
    const { server, timers } = await connected(t, { heartbeatInterval: 0 });
    timers.tick(100_000);
    await settled();
    assert.equal(server.last.frames.length, 0);
});

test("what the socket itself sends while it is not connected is kept", async (t) => {
    const server = await TestServer.start(t);
    const socket = makeSocket(t, server.endpoint);
    socket.push({ joinRef: 1, ref: 2, topic: "room:1", event: "later", payload: { a: 1 } });
    socket.connect();
    await until(() => server.last?.frames.length === 1);
    assert.deepEqual(server.last.frames[0], [0, 1, 2, "room:1", "later", { a: 1 }]);
});

test("acknowledgements, session frames and malformed frames are passed over", async (t) => {
    const { server, socket, channel } = await joined(t);
    const [message, shout] = [calls(), calls()];
    socket.on("message", message);
    channel.on("shout", shout);
    const { ws } = server.last;
    server.last.send(3, 12);
    server.last.send(0, 0, 0, "_chain", "_session", { token: "T", resumed: false, window_ms: 15000 });
    ws.send("not json");
    ws.send("{}");
    ws.send('[7,"future"]');
    ws.send(Buffer.from([1, 2, 3]));
    server.last.send(2, "room:1", "shout", {});
    await until(() => shout.seen.length === 1);
    assert.equal(message.seen.length, 1);
});

test("duplicates are dropped, replies are not, and a fault of the check loses nothing", async (t) => {
    const shown = t.mock.method(console, "error", () => undefined).mock;
    const history = new chain.History(5);
    const duplicated = (message) => history.exists(message.payload.id);
    const { server, socket, channel } = await joined(t, { options: { duplicated } });
    const [shout, dropped, ok] = [calls(), calls(), calls()];
    socket.on("message:duplicated", dropped);
    channel.on("shout", shout);
    for (const payload of [{ id: 1 }, { id: 1 }, null, { id: 2 }]) server.last.send(2, "room:1", "shout", payload);
    server.answers.ask = (connection, frame) => connection.reply(frame, 0, { id: 1 });
    channel.push("ask").on("ok", ok);
    await until(() => ok.seen.length === 1);
    assert.deepEqual(shout.seen.map(([payload]) => payload), [{ id: 1 }, null, { id: 2 }]);
    assert.equal(dropped.seen.length, 1);
    assert.equal(shown.callCount(), 1);
});

test("replies and reserved events are never taken for duplicates", async (t) => {
    const { server, channel } = await joined(t, { options: { duplicated: () => true } });
    const [error, shout] = [calls(), calls()];
    channel.on("shout", shout).onError(error);
    server.last.send(2, "room:1", "shout", {});
    server.last.send(0, channel.getJoinRef(), 0, "room:1", "_error", {});
    await until(() => error.seen.length === 1);
    assert.equal(shout.seen.length, 0);
});

test("a socket disconnects some time after its last channel, and connects for the next one", async (t) => {
    const { server, socket, channel } = await joined(t, { options: { disconnectIdleTimeout: 20 } });
    channel.leave();
    await until(() => channel.isClosed());
    assert.equal(socket.isConnected(), true);
    await until(() => !socket.isConnected());
    const next = socket.channel("room:2").join();
    await until(() => next.isJoined());
    assert.equal(server.connections.length, 2);
});

test("a new channel keeps an idle socket connected", async (t) => {
    const { socket, channel } = await joined(t);
    const timers = mockTimers(t);
    channel.leave();
    await until(() => channel.isClosed());
    timers.tick(4999);
    socket.channel("room:2");
    timers.tick(5000);
    assert.equal(socket.isConnected(), true);
});

test("the next node is tried when one does not answer", async (t) => {
    const server = await TestServer.start(t);
    const dead = `http://127.0.0.1:${await freePort()}/socket`;
    const timers = mockTimers(t);
    const errors = calls();
    const socket = makeSocket(t, undefined, { getNodes: async () => [dead, server.endpoint] }).on("error", errors);
    socket.connect();
    await until(() => errors.seen.length === 1);
    timers.tick(500);
    await until(() => socket.isConnected());
});

test("the next node is tried when one takes connections and drops them", async (t) => {
    const [one, two] = [await TestServer.start(t), await TestServer.start(t)];
    const timers = mockTimers(t);
    const socket = makeSocket(t, undefined, { getNodes: async () => [one.endpoint, two.endpoint] });
    socket.connect();
    await until(() => socket.isConnected());
    one.last.ws.close(1011);
    await until(() => !socket.isConnected());
    timers.tick(500);
    await until(() => socket.isConnected());
    assert.deepEqual([one.requests.length, two.requests.length], [1, 1]);
});

test("a connection that is lost during a move is replaced, and the move is given up", async (t) => {
    const server = await TestServer.start(t);
    const silent = await startSilent(t);
    const timers = mockTimers(t);
    let nodes = [server.endpoint];
    const socket = makeSocket(t, undefined, { getNodes: async () => nodes, connectTimeout: 1000 });
    socket.connect();
    await until(() => socket.isConnected());
    nodes = [silent.endpoint];
    timers.tick(30_000);
    await until(() => silent.sockets.length === 1);
    server.last.ws.terminate();
    await until(() => !socket.isConnected());
    timers.tick(500);
    await until(() => silent.sockets.length === 2);
    await until(() => silent.sockets[0].destroyed);
    nodes = [server.endpoint];
    timers.tick(1000);
    await settled();
    timers.tick(1000);
    await until(() => socket.isConnected());
});

test("the socket moves to a node that became the first, without a gap, and drops the old one later", async (t) => {
    const [one, two] = [await TestServer.start(t), await TestServer.start(t)];
    const timers = mockTimers(t);
    let nodes = [one.endpoint];
    const socket = makeSocket(t, undefined, { getNodes: async () => nodes, getNodesInterval: 7, dropNodeConnectionAfter: 3000 });
    const close = calls();
    socket.on("close", close);
    const channel = socket.channel("room:1").join();
    await until(() => channel.isJoined());
    const before = channel.getJoinRef();

    nodes = [two.endpoint, one.endpoint];
    timers.tick(7000);
    await until(() => two.last?.of("_join").length === 1);
    await until(() => one.last.of("_leave").length === 1);
    assert.deepEqual(one.last.of("_leave")[0].slice(0, 2), [0, before]);
    assert.equal(channel.isJoined(), true);
    assert.equal(two.last.of("_join")[0][1], channel.getJoinRef());

    const shout = calls();
    channel.on("shout", shout);
    one.last.send(2, "room:1", "shout", { from: "old" });
    await until(() => shout.seen.length === 1);
    timers.tick(3000);
    await until(() => one.last.closed === 1000);
    assert.deepEqual([socket.isConnected(), close.seen.length], [true, 0]);
});

test("a move that fails leaves the connection as it is", async (t) => {
    const server = await TestServer.start(t);
    const dead = await TestServer.start(t);
    dead.refuseWith = 502;
    const timers = mockTimers(t);
    let nodes = [server.endpoint];
    const socket = makeSocket(t, undefined, { getNodes: async () => nodes });
    const [close, error] = [calls(), calls()];
    socket.on("close", close).on("error", error).connect();
    await until(() => socket.isConnected());
    nodes = [dead.endpoint, server.endpoint];
    timers.tick(30_000);
    await until(() => dead.requests.length === 1);
    await settled();
    await until(() => socket.heartbeat.ref === 0, "the answer");
    timers.tick(20_000);
    await settled();
    assert.deepEqual([socket.isConnected(), close.seen.length, error.seen.length], [true, 0, 0]);
});

test("an old node's connection that would come back by itself is closed instead", async (t) => {
    const made = [];
    class Returning extends chain.Events {
        closed = 0;
        connect(endpoint) {
            this.at = endpoint;
            made.push(this);
            queueMicrotask(() => this.emit("open", this));
        }
        endpoint() {
            return this.at;
        }
        send() {}
        close() {
            this.closed++;
        }
    }
    chain.Transports.Returning = Returning;
    t.after(() => delete chain.Transports.Returning);
    const timers = mockTimers(t);
    let nodes = ["/one"];
    const socket = makeSocket(t, undefined, { transport: ["Returning"], getNodes: async () => nodes });
    socket.connect();
    await until(() => socket.isConnected());
    nodes = ["/two"];
    timers.tick(30_000);
    await until(() => made.length === 2 && socket.transport === made[1]);
    assert.equal(made[0].closed, 0);
    made[0].emit("interrupted", made[0], { code: 1006, reason: "broke" });
    assert.equal(made[0].closed, 1);
    timers.tick(5000);
    assert.deepEqual([made[0].closed, made[1].closed, socket.isConnected()], [1, 0, true]);
});

test("a storage that is full or forbidden costs no connection", async (t) => {
    const full = () => {
        throw new Error("full");
    };
    const { channel } = await joined(t, { options: { transport: ["WebSocket", "SSE"], sessionStorage: { getItem: () => null, setItem: full } } });
    assert.ok(channel.isJoined());
});

test("times without end are no times at all that pass", async (t) => {
    const { server, socket, timers } = await connected(t, { connectTimeout: Infinity, heartbeatInterval: Infinity });
    timers.tick(1e6);
    await settled();
    assert.equal(server.last.frames.length, 0);
    server.last.ws.terminate();
    await until(() => !socket.isConnected());
    timers.tick(500);
    await until(() => socket.isConnected());
});

test("an application that asks for an unknown transport gets the WebSocket and a warning", async (t) => {
    const warned = t.mock.method(console, "warn", () => undefined).mock;
    const { socket } = await connected(t, { transport: [{ name: "Carrier pigeon", cors: true }] });
    assert.equal(socket.isConnected(), true);
    assert.equal(warned.callCount(), 1);
});

test("a transport of the application's own carries the frames, and is replaced when it fails", async (t) => {
    const made = [];
    class Loop extends chain.Events {
        sent = [];
        constructor(config) {
            super();
            this.config = config;
            made.push(this);
        }
        connect(endpoint) {
            this.at = endpoint;
            queueMicrotask(() => this.emit("open", this));
        }
        endpoint() {
            return this.at;
        }
        send(data) {
            this.sent.push(data);
            const [, joinRef, ref] = JSON.parse(data);
            queueMicrotask(() => this.emit("message", this, JSON.stringify([1, joinRef, ref, 0, {}])));
        }
        close() {
            this.emit("close", this);
        }
    }
    chain.Transports.Loop = Loop;
    t.after(() => delete chain.Transports.Loop);
    const timers = mockTimers(t);
    const stored = new Map();
    const sessionStorage = { getItem: (key) => stored.get(key) ?? null, setItem: (key, value) => stored.set(key, value) };
    const transport = [{ name: "Missing" }, { name: "Loop", cors: true }];
    const socket = makeSocket(t, "/socket", { transport, sessionStorage, params: { a: 1 } });
    const channel = socket.channel("room:1").join();
    await until(() => channel.isJoined());
    assert.equal(made[0].at, "/socket");
    assert.match(made[0].config.sid, /^[A-Za-z0-9_-]{22,64}$/);
    assert.equal(stored.get("chain:sid"), made[0].config.sid);
    assert.deepEqual([made[0].config.cors, made[0].config.params], [true, { a: 1 }]);
    timers.tick(60_000);
    assert.equal(made[0].sent.length, 1, "no heartbeat for a transport that does not ask for it");

    made[0].emit("error", made[0], new Error("broken"));
    assert.equal(socket.isConnected(), false);
    timers.tick(500);
    await until(() => channel.isJoined());
    assert.equal(made.length, 2);
    assert.equal(made[1].config.sid, made[0].config.sid);

    made[0].emit("open", made[0]);
    made[0].emit("message", made[0], '[2,"room:1","shout",{}]');
    socket.push({ topic: "room:1", event: "now" });
    assert.deepEqual([made[0].sent.length, made[1].sent.length], [1, 2], "a transport that was dropped stays dropped");
});

test("what was set is what can be asked for", (t) => {
    const socket = makeSocket(t, "/socket", { timeout: 7, rejoinInterval: [1, 2] });
    assert.deepEqual([socket.getTimeout(), socket.getRejoinInterval()], [7, [1, 2]]);
    socket.storeSession("key", "value");
    assert.equal(socket.getSession("key"), "value");
    assert.notEqual(socket.nextRef(), socket.nextRef());
    const plain = makeSocket(t, "/socket");
    assert.deepEqual([plain.getTimeout(), plain.getRejoinInterval()], [30_000, [1000, 2000, 5000, 10_000]]);
});
