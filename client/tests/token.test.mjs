// The application's token: where it stands, and how an event stream is read with it.
import assert from "node:assert/strict";
import test from "node:test";
import { browser, SseServer, sseJoined, sseSocket } from "./sse_support.mjs";
import { calls, chain, makeSocket, settled, TestServer, until } from "./support.mjs";

/** A function that gives tokens, one after the other. */
const tokens = (...list) => async () => list.shift();
const decoded = (protocols) => Buffer.from(/base64url\.bearer\.phx\.([\w-]*)$/.exec(protocols)[1], "base64url").toString();

test("pain 9: a WebSocket offers the application's token as a subprotocol, a new one at each try, and no URL has it", async (t) => {
    const server = await TestServer.start(t);
    const authToken = tokens("first", "?~\u{1F600}>", undefined);
    const socket = makeSocket(t, server.endpoint, { authToken, reconnectInterval: [1], disconnectIdleTimeout: Infinity });
    socket.connect();
    for (const expected of ["first", "?~\u{1F600}>"]) {
        await until(() => socket.isConnected());
        assert.match(server.last.protocols, /^chain,base64url\.bearer\.phx\.[\w-]+$/);
        assert.equal(decoded(server.last.protocols), expected);
        const count = server.connections.length;
        server.last.ws.terminate();
        await until(() => server.connections.length > count);
    }
    assert.equal(server.last.protocols, undefined, "without a token nothing is offered");
    assert.deepEqual(server.requests, Array(3).fill("/socket/websocket?resume=1"));
});

test("a token that cannot be had is asked for again", async (t) => {
    const server = await TestServer.start(t);
    const errors = calls();
    let asked = 0;
    const authToken = () => {
        if (++asked < 3) throw new Error("not yet");
        return "now";
    };
    const socket = makeSocket(t, server.endpoint, { authToken, reconnectInterval: [1] });
    socket.on("error", errors);
    socket.connect();
    await until(() => socket.isConnected());
    assert.deepEqual(errors.seen.map(([{ reason }]) => reason), ["not yet", "not yet"]);
    assert.equal(decoded(server.last.protocols), "now");
});

test("pain 9: over SSE the token goes in the header Authorization of each request, and no URL has it", async (t) => {
    const { server, socket } = await sseJoined(t, { authToken: "secret", EventSource: undefined });
    const all = [server.last.headers, ...server.posts.map(({ headers }) => headers)];
    assert.ok(all.length >= 2);
    for (const headers of all) assert.equal(headers.authorization, "Bearer secret");
    for (const { url } of [server.last, ...server.posts]) assert.doesNotMatch(url.href, /secret/);
    assert.equal(server.last.headers.accept, "text/event-stream");
    socket.disconnect();
    await until(() => server.last.ended);
});

test("SSE is tried where there is no EventSource, if there is a token", async (t) => {
    const server = await SseServer.start(t);
    const options = { transport: ["WebSocket", "SSE"], WebSocket: undefined, ...browser(), EventSource: undefined, authToken: "secret" };
    const channel = sseSocket(t, server.endpoint, options).channel("room:1").join();
    await until(() => channel.isJoined());
});

test("an event stream in any pieces gives each frame once; comments and other lines are ignored", async (t) => {
    const { server, channel } = await sseJoined(t, { authToken: "secret", EventSource: undefined });
    const shouts = calls();
    channel.on("shout", shouts);
    const stream = Buffer.from(
        ": still here\n\n" +
            'id: e-1\ndata: [2,"room:1","shout",\ndata:"h\u00e9 \u{1F600}"]\n\n\n' +
            'event: none\n\nretry: 5\n\ndata: [2,"room:1","shout",2]\n\ndata: [2,"room:1","shout",3]\n\n',
    );
    for (let at = 0; at < stream.length; at += 3) {
        server.last.response.write(stream.subarray(at, at + 3));
        await new Promise(setImmediate);
    }
    await until(() => shouts.seen.length === 3);
    await settled();
    assert.deepEqual(shouts.seen.map(([payload]) => payload), ["h\u00e9 \u{1F600}", 2, 3]);
});

test("an event stream that breaks, or is refused, is asked for again, each time with a new token", async (t) => {
    let count = 0;
    const authToken = async () => `token-${++count}`;
    const { server, channel } = await sseJoined(t, { authToken, EventSource: undefined, reconnectInterval: [1], rejoinInterval: [1] });
    server.refuseWith = 403;
    server.last.response.end();
    await until(() => server.refused > 0);
    server.refuseWith = undefined;
    await until(() => channel.isJoined());
    const [, number] = /^Bearer token-(\d+)$/.exec(server.last.headers.authorization);
    assert.ok(Number(number) > 2, number);
});

test("what is no event stream is not read as one", async (t) => {
    let aborted = 0;
    const fetch = async (_, { signal }) => {
        signal.addEventListener("abort", () => aborted++);
        return new Response("data: []\n\n", { headers: { "Content-Type": "text/html" } });
    };
    const transport = new chain.TransportSSE({ name: "SSE", sid: "s", authToken: "secret", fetch });
    const [closed, messages] = [calls(), calls()];
    transport.on("close", closed);
    transport.on("message", messages);
    transport.connect("http://localhost/socket");
    await until(() => closed.seen.length === 1);
    assert.ok(aborted > 0);
    assert.deepEqual(messages.seen, []);
});
