// The SSE transport: its stream, its POSTs, its interruptions; and when it is used in place of the WebSocket.
import assert from "node:assert/strict";
import test from "node:test";
import { calls, chain, mockTimers, settled, startSilent, TestServer, until } from "./support.mjs";
import { browser, SseServer, sseJoined, sseSocket, storage } from "./sse_support.mjs";
import { WebSocket } from "ws";

const bodies = (server) => server.posts.map(({ body }) => body);
const numbers = (count) => Array.from({ length: count }, (_, index) => index);
const say = (socket, value) => socket.push({ topic: "room:1", event: "say", payload: value });

test("the stream is opened with the tab and the params in the query, and frames come and go", async (t) => {
    const { server, channel } = await sseJoined(t, { params: { token: "a b&c" } });
    const { pathname, searchParams } = server.last.url;
    assert.equal(pathname, "/socket/sse");
    assert.equal(searchParams.get("token"), "a b&c");
    assert.match(server.last.sid, /^[A-Za-z0-9_-]{22,64}$/);

    const [post] = server.posts;
    assert.equal(post.url.pathname + post.url.search, `/socket/sse?sid=${server.last.sid}&seq=0&received=0`);
    assert.equal(post.headers["content-type"], "application/json");
    assert.equal(post.headers.cookie, `chain.${server.last.sid}=secret`);

    const shouts = calls();
    channel.on("shout", shouts);
    server.last.send(2, "room:1", "shout", { text: "h\u00e9 \u{1F600}" });
    await until(() => shouts.seen.length === 1);
    assert.deepEqual(shouts.seen[0][0], { text: "h\u00e9 \u{1F600}" });
});

test("a restart that is told over the stream ends it, and the next one comes after the delay that was named", async (t) => {
    const { server, socket, channel } = await sseJoined(t);
    const timers = mockTimers(t);
    server.last.send(0, 0, 0, "_chain", "_restart", { retry_after_ms: 4000 });
    await until(() => server.last.ended && !socket.isConnected());
    timers.tick(4499);
    await settled();
    assert.equal(server.streams.length, 1);
    timers.tick(1);
    await until(() => server.streams.length === 2 && socket.isConnected() && channel.isJoined());
});

test("an endpoint of any scheme gives requests over HTTP", (t) => {
    const urls = [];
    class Recorder {
        constructor(url) {
            urls.push(url.split("?")[0]);
        }
        close() {}
    }
    for (const endpoint of ["wss://a.example/s/", "ws://b.example/s", "https://c.example/s#x", "http://d.example/s"])
        new chain.TransportSSE({ name: "SSE", sid: "s", EventSource: Recorder }).connect(endpoint);
    assert.deepEqual(urls, ["https://a.example/s/sse", "http://b.example/s/sse", "https://c.example/s/sse", "http://d.example/s/sse"]);
});

for (const cors of [true, false]) {
    test(`credentials are ${cors ? "" : "not "}sent to another origin`, async () => {
        const seen = [];
        class Recorder {
            constructor(_, init) {
                seen.push(init.withCredentials);
            }
            close() {}
        }
        const fetch = async (_, { credentials }) => (seen.push(credentials), new Response());
        const transport = new chain.TransportSSE({ name: "SSE", sid: "s", cors, EventSource: Recorder, fetch });
        transport.connect("https://a.example/socket");
        transport.send("[]");
        await until(() => seen.length === 2);
        assert.deepEqual(seen, [cors, cors ? "include" : "same-origin"]);
    });
}

test("pitfall 13: one POST is under way at a time, what waits goes together, in order, at most 100 frames", async (t) => {
    const { server, socket } = await sseJoined(t);
    const first = server.posts.length;
    let most = 0;
    server.onPost = async () => {
        most = Math.max(most, server.open);
        await settled();
        return 200;
    };
    say(socket, -1);
    await until(() => server.posts.length === first + 1);
    for (const index of numbers(250)) say(socket, index);
    await until(() => server.of("say").length === 251);

    assert.equal(most, 1);
    assert.deepEqual(bodies(server).slice(first + 1).map((body) => body.length), [100, 100, 50]);
    assert.deepEqual(server.of("say").map((frame) => frame[5]), [-1, ...numbers(250)]);
});

test("what is said in one turn goes in one POST, a single frame as itself", async (t) => {
    const { server, socket } = await sseJoined(t);
    server.posts = [];
    say(socket, 1);
    await until(() => server.posts.length === 1);
    say(socket, 2);
    say(socket, 3);
    await until(() => server.posts.length === 2);
    assert.deepEqual(bodies(server), [[0, 0, 0, "room:1", "say", 1], [[0, 0, 0, "room:1", "say", 2], [0, 0, 0, "room:1", "say", 3]]]);
});

test("long frames go in bodies that the server takes", async (t) => {
    const { server, socket } = await sseJoined(t);
    server.posts = [];
    const long = "\u4e2d".repeat(15_000);
    for (const _ of numbers(3)) say(socket, long);
    for (const _ of numbers(3)) say(socket, 1);
    await until(() => server.of("say").length === 6);
    assert.deepEqual(bodies(server).map((body) => (Array.isArray(body[0]) ? body.length : 1)), [1, 1, 4]);
});

for (const status of [0, 500, 502, 503, 429]) {
    const what = status || "a broken connection";
    test(`pitfall 45: a POST is repeated with growing delays after ${what}, before those that follow`, async (t) => {
        const { server, socket } = await sseJoined(t);
        const timers = mockTimers(t);
        const first = server.posts.length;
        const statuses = [status, status, status, 200, 200];
        server.onPost = () => statuses.shift();
        say(socket, "a");
        for (const [tries, delay] of [[1, 500], [2, 1000], [3, 2000]]) {
            await until(() => server.posts.length === first + tries);
            await until(() => timers.timers.size > 0 && [...timers.timers.values()].some(({ at }) => at === timers.now + delay));
            say(socket, tries);
            timers.tick(delay - 1);
            await settled();
            assert.equal(server.posts.length, first + tries, `no try before ${delay} ms`);
            timers.tick(1);
        }
        await until(() => server.of("say").length === 4);
        assert.deepEqual(server.of("say").map((frame) => frame[5]), ["a", 1, 2, 3]);
        assert.equal(socket.isConnected(), true);
    });
}

test("a delay that the answer to a POST demands is kept", async (t) => {
    const { server, socket } = await sseJoined(t);
    const timers = mockTimers(t);
    server.postHeaders = { "Retry-After": "7" };
    server.onPost = () => 429;
    server.posts = [];
    say(socket, 1);
    await until(() => timers.timers.size === 1 && server.posts.length === 1);
    server.onPost = () => 200;
    timers.tick(7499);
    await settled();
    assert.equal(server.posts.length, 1);
    timers.tick(1);
    await until(() => server.of("say").length === 1);
});

test("a frame that the server refuses is not repeated, and the others of its body get through", async (t) => {
    const { server, socket } = await sseJoined(t);
    server.posts = [];
    server.onPost = (body) => (JSON.stringify(body).includes("bad") ? 400 : 200);
    for (const value of [1, "bad", 2]) say(socket, value);
    await until(() => server.of("say").length === 2);
    say(socket, 3);
    await until(() => server.of("say").length === 3);
    assert.deepEqual(server.of("say").map((frame) => frame[5]), [1, 2, 3]);
    assert.equal(server.posts.filter(({ body }) => body[5] === "bad").length, 1);
});

test("pitfall 16: when the session is gone a new stream is opened and the channels join again", async (t) => {
    const { server, socket, channel } = await sseJoined(t);
    const closed = calls();
    socket.on("close", closed);
    const [old] = server.streams;
    server.onPost = () => 410;
    say(socket, 1);
    await until(() => closed.seen.length === 1);
    assert.deepEqual(closed.seen[0][0], { code: 1006, reason: "the session is gone", reconnecting: true });
    assert.equal(channel.isErrored(), true);
    await until(() => old.ended);

    server.onPost = () => 200;
    await until(() => channel.isJoined());
    assert.equal(server.streams.length, 2);
    assert.equal(server.last.sid, old.sid);
    assert.equal(server.of("_join").length, 2);
    assert.equal(server.of("say").length, 0, "what the lost session did not take is not sent to the new one");
});

for (const status of [403, 502, 503]) {
    test(`pitfall 43: the client comes back by itself after an answer ${status} to the stream`, async (t) => {
        const server = await SseServer.start(t);
        const timers = mockTimers(t);
        const errors = calls();
        const socket = sseSocket(t, server.endpoint).on("error", errors);
        server.refuseWith = status;
        socket.connect();
        for (const [tries, delay] of [[1, 500], [2, 1000]]) {
            await until(() => errors.seen.length === tries);
            timers.tick(delay);
        }
        await until(() => errors.seen.length === 3);
        server.refuseWith = undefined;
        timers.tick(2000);
        await until(() => socket.isConnected());
    });
}

test("a broken stream is opened again by the EventSource, and the channels join again", async (t) => {
    const { server, socket, channel } = await sseJoined(t);
    const timers = mockTimers(t);
    const [closed, opened] = [calls(), calls()];
    socket.on("close", closed).on("open", opened);
    const [first] = server.streams;
    const start = timers.now;
    first.response.end();
    await until(() => closed.seen.length === 1);
    assert.deepEqual(closed.seen[0][0], { code: 1006, reason: "the event stream broke", reconnecting: true });
    assert.equal(channel.isErrored(), true);
    await until(() => channel.isJoined());
    assert.equal(timers.now, start, "this took no delay of the client's own");
    assert.equal(server.last.sid, first.sid);
    assert.equal(server.last.cookie, `chain.${first.sid}=secret`);
    assert.equal(opened.seen.length, 1);
    const [one, two] = server.of("_join");
    assert.ok(two[1] > one[1], "a join of its own");

    const shouts = calls();
    channel.on("shout", shouts);
    server.last.send(0, one[1], 0, "room:1", "shout", 1);
    server.last.send(0, two[1], 0, "room:1", "shout", 2);
    await until(() => shouts.seen.length === 1);
    assert.equal(shouts.seen[0][0], 2, "what belongs to the old membership is passed over");
});

test("pushes that wait while the stream is interrupted go out after the join", async (t) => {
    const { server, socket, channel } = await sseJoined(t);
    server.last.response.end();
    await until(() => !socket.isConnected());
    server.answers.say = (stream, frame) => stream.reply(frame, 0);
    const answered = calls();
    channel.push("say", "later").on("ok", answered);
    await until(() => answered.seen.length === 1);
    assert.deepEqual(server.frames.map((frame) => frame[4]), ["_join", "_join", "say"]);
});

test("pitfall 43: a stream that does not come back is replaced, and so is one that is refused", async (t) => {
    const { server, socket } = await sseJoined(t);
    const timers = mockTimers(t);
    const errors = calls();
    socket.on("error", errors);
    server.retry = 3_600_000;
    server.last.response.write("retry: 3600000\n\n");
    await settled();
    server.last.response.end();
    await until(() => !socket.isConnected());
    timers.tick(30_000);
    assert.equal(errors.seen.at(-1)[0].reason, "connecting timed out");
    timers.tick(500);
    await until(() => socket.isConnected());

    server.retry = 10;
    server.last.response.write("retry: 10\n\n");
    await settled();
    server.refuseWith = 502;
    const seen = errors.seen.length;
    server.last.response.end();
    await until(() => errors.seen.length === seen + 2);
    server.refuseWith = undefined;
    timers.tick(10_000);
    await until(() => socket.isConnected());
});

test("the heartbeat goes over SSE too, and the client comes back when it gets no answer", async (t) => {
    const server = await SseServer.start(t);
    const timers = mockTimers(t);
    const socket = sseSocket(t, server.endpoint);
    socket.connect();
    await until(() => socket.isConnected());
    timers.tick(30_000);
    await until(() => server.of("_heartbeat").length === 1);
    await until(() => socket.heartbeat.ref === 0, "the answer");
    timers.tick(10_000);
    assert.equal(socket.isConnected(), true);

    server.answers._heartbeat = () => undefined;
    timers.tick(20_000);
    await until(() => server.of("_heartbeat").length === 2);
    timers.tick(10_000);
    assert.equal(socket.isConnected(), false);
    timers.tick(1000);
    await until(() => socket.isConnected());
    assert.equal(server.streams.length, 2);
});

test("what was said just before a disconnect is still sent, and nothing after it", async (t) => {
    const { server, socket, channel } = await sseJoined(t);
    channel.leave();
    socket.disconnect();
    await until(() => server.of("_leave").length === 1);
    await until(() => server.last.ended);
    const sent = server.posts.length;
    await settled();
    assert.equal(server.posts.length, sent);
});

// ------------------------------------------------------------------------------ WebSocket or SSE

/** A server of both transports at one endpoint. */
async function bothServers(t) {
    const server = await SseServer.start(t);
    const sockets = new TestServer();
    await sockets.listen(0);
    t.after(() => sockets.stop());
    server.http.on("upgrade", (...args) => sockets.http.emit("upgrade", ...args));
    return { server, sockets };
}

function eitherSocket(t, endpoint, options) {
    const socket = new chain.Socket(endpoint, { WebSocket, ...browser(), ...options });
    t.after(() => socket.disconnect());
    return socket;
}

test("the WebSocket is used when there is one, and remembered", async (t) => {
    const { server, sockets } = await bothServers(t);
    const sessionStorage = storage();
    const socket = eitherSocket(t, server.endpoint, { sessionStorage });
    const channel = socket.channel("room:1").join();
    await until(() => channel.isJoined());
    assert.deepEqual([sockets.connections.length, server.streams.length], [1, 0]);
    assert.equal(sessionStorage.getItem("chain:transport"), "WebSocket");
});

test("SSE is used when the WebSocket was refused twice, and it is remembered for the browser session", async (t) => {
    const { server, sockets } = await bothServers(t);
    sockets.refuseWith = 502;
    const timers = mockTimers(t);
    const sessionStorage = storage();
    const socket = eitherSocket(t, server.endpoint, { sessionStorage });
    const errors = calls();
    const channel = socket.on("error", errors).channel("room:1").join();
    await until(() => errors.seen.length === 1);
    timers.tick(500);
    await until(() => errors.seen.length === 2);
    timers.tick(1000);
    await until(() => channel.isJoined());
    assert.deepEqual([sockets.requests.length, server.streams.length], [2, 1]);
    assert.equal(sessionStorage.getItem("chain:transport"), "SSE");

    socket.disconnect();
    const again = eitherSocket(t, server.endpoint, { sessionStorage });
    again.connect();
    await until(() => again.isConnected());
    assert.deepEqual([sockets.requests.length, server.streams.length], [2, 2]);
});

test("SSE is used when the WebSocket got no answer in time", async (t) => {
    const { server } = await bothServers(t);
    const silent = await startSilent(t);
    class Silent extends WebSocket {
        constructor() {
            super(silent.endpoint.replace("http", "ws"));
        }
    }
    const timers = mockTimers(t);
    const socket = eitherSocket(t, server.endpoint, { WebSocket: Silent });
    socket.connect();
    await until(() => silent.sockets.length === 1);
    timers.tick(10_000);
    timers.tick(500);
    await until(() => socket.isConnected());
    assert.deepEqual([silent.sockets.length, server.streams.length], [1, 1]);
});

test("SSE is used at once where there is no WebSocket class", async (t) => {
    const { server } = await bothServers(t);
    const global = globalThis.WebSocket;
    delete globalThis.WebSocket;
    t.after(() => global && (globalThis.WebSocket = global));
    const socket = eitherSocket(t, server.endpoint, { WebSocket: undefined });
    socket.connect();
    await until(() => socket.isConnected());
    assert.equal(server.streams.length, 1);
});

test("a transport that has opened is kept, however often it fails then", async (t) => {
    const { server, sockets } = await bothServers(t);
    const timers = mockTimers(t);
    const socket = eitherSocket(t, server.endpoint);
    const errors = calls();
    socket.on("error", errors).connect();
    await until(() => socket.isConnected());
    sockets.refuseWith = 503;
    sockets.last.ws.terminate();
    for (const tries of [1, 2, 3, 4, 5]) {
        await until(() => errors.seen.length === tries);
        timers.tick(10_000);
    }
    await until(() => errors.seen.length === 6);
    assert.equal(server.streams.length, 0);
    sockets.refuseWith = undefined;
    timers.tick(10_000);
    await until(() => socket.isConnected());
});

test("while nothing answers the transports take turns", async (t) => {
    const { server, sockets } = await bothServers(t);
    const timers = mockTimers(t);
    server.refuseWith = sockets.refuseWith = 503;
    const errors = calls();
    const socket = eitherSocket(t, server.endpoint).on("error", errors);
    socket.connect();
    for (const tries of [1, 2, 3, 4]) {
        await until(() => errors.seen.length === tries);
        timers.tick(10_000);
    }
    await until(() => errors.seen.length === 5);
    assert.equal(sockets.requests.length, 3);
    sockets.refuseWith = undefined;
    timers.tick(10_000);
    await until(() => socket.isConnected());
    assert.deepEqual([sockets.connections.length, server.streams.length], [1, 0]);
});

test("failures of getNodes and of params are no transport's failures", async (t) => {
    const { server, sockets } = await bothServers(t);
    const timers = mockTimers(t);
    let broken = true;
    const params = () => {
        if (broken) throw new Error("not yet");
    };
    const errors = calls();
    const socket = eitherSocket(t, server.endpoint, { params }).on("error", errors);
    socket.connect();
    for (const tries of [1, 2, 3]) {
        await until(() => errors.seen.length === tries);
        broken = tries < 3;
        timers.tick(10_000);
    }
    await until(() => socket.isConnected());
    assert.equal(sockets.connections.length, 1);
});

// ----------------------------------------------------------------------------------- the tab's id

async function sidOf(server, socket) {
    const count = server.streams.length;
    socket.connect();
    await until(() => server.streams.length > count);
    return server.last.sid;
}

test("pitfall 14: the sockets of a page have ids of their own, which a reload finds again", async (t) => {
    const server = await SseServer.start(t);
    const sessionStorage = storage();
    const one = await sidOf(server, sseSocket(t, server.endpoint, { sessionStorage }));
    const two = await sidOf(server, sseSocket(t, server.endpoint, { sessionStorage }));
    assert.notEqual(one, two);

    const reloaded = storage(Object.fromEntries(sessionStorage.stored));
    assert.equal(await sidOf(server, sseSocket(t, server.endpoint, { sessionStorage: reloaded })), one);
    assert.equal(await sidOf(server, sseSocket(t, server.endpoint, { sessionStorage: reloaded })), two);
});

test("who disconnects comes back as another tab", async (t) => {
    const server = await SseServer.start(t);
    const sessionStorage = storage();
    const socket = sseSocket(t, server.endpoint, { sessionStorage });
    const one = await sidOf(server, socket);
    socket.disconnect();
    assert.notEqual(await sidOf(server, socket), one);
});

test("pitfall 14: a duplicated tab gets an id of its own, a reloaded one keeps it", async (t) => {
    const server = await SseServer.start(t);
    globalThis.window = new EventTarget();
    t.after(() => delete globalThis.window);
    const sessionStorage = storage();
    const one = await sidOf(server, sseSocket(t, server.endpoint, { sessionStorage }));
    const duplicate = storage(Object.fromEntries(sessionStorage.stored));
    assert.notEqual(await sidOf(server, sseSocket(t, server.endpoint, { sessionStorage: duplicate })), one);

    window.dispatchEvent(new Event("pagehide"));
    const reloaded = storage(Object.fromEntries(sessionStorage.stored));
    assert.equal(await sidOf(server, sseSocket(t, server.endpoint, { sessionStorage: reloaded })), one);
    window.dispatchEvent(new Event("pageshow"));
    assert.equal(sessionStorage.getItem("chain:sid"), "", "a page that is shown again uses its id again");
});
