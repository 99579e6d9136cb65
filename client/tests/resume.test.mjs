// Sessions that outlive their connections, against a server that counts, keeps and resumes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { WebSocket } from "ws";
import { ResumeServer } from "./resume_support.mjs";
import { browser } from "./sse_support.mjs";
import { calls, chain, settled, TestServer, until } from "./support.mjs";

const quick = { reconnectInterval: [1], rejoinInterval: [1], WebSocket, ...browser() };

function makeSocket(t, server, options = {}) {
    const socket = new chain.Socket(server.endpoint, { ...quick, ...options });
    t.after(() => socket.disconnect());
    return socket;
}

/** Joins, says numbers two at a time and asks about each; resolves with all that was heard, in order. */
async function converse(socket, numbers) {
    const heard = [];
    const channel = socket.channel("room:1");
    const events = [];
    channel.on("said", (number) => heard.push(`said ${number}`));
    channel.onClose(() => events.push("close"));
    channel.onError(() => events.push("error"));
    channel.on("timeout", () => events.push("timeout"));
    channel.on("ok", () => events.push("ok"));
    channel.join();
    for (let number = 0; number < numbers; number += 2) {
        const replies = [number, number + 1].map(
            (value) => new Promise((resolve) => channel.push("say", value).on("ok", (response) => resolve(heard.push(`reply ${response}`)))),
        );
        await Promise.all(replies);
    }
    return { heard, events };
}

const expected = (numbers) => Array.from({ length: numbers }, (_, number) => [`said ${number}`, `reply ${number}`]).flat();

const moves = [["WebSocket", "WebSocket"], ["SSE", "SSE"], ["WebSocket", "SSE"], ["SSE", "WebSocket"]];
for (const [first, then, authToken] of [...moves, ["SSE", "SSE", "secret"], ["WebSocket", "SSE", "secret"]]) {
    for (const way of ["before", "after"]) {
        const how = authToken ? " with a token" : "";
        test(`pains 1, 3, 24: cut at any frame, ${way} it is dealt with, from ${first} to ${then}${how}: nothing is lost, repeated or reordered`, async (t) => {
            const server = await ResumeServer.start(t);
            const transport = first === then ? [first] : [first, then];
            for (let cut = 1; ; cut++) {
                server.reset({ cut, way, refuseAfterCut: first === then ? undefined : first });
                const socket = makeSocket(t, server, { transport, authToken, sessionStorage: { getItem: () => null, setItem: () => undefined } });
                const { heard, events } = await converse(socket, 4);
                assert.deepEqual(heard, expected(4), `cut at ${cut}`);
                assert.deepEqual(server.said, [0, 1, 2, 3], `cut at ${cut}`);
                assert.deepEqual(events, ["ok"], `cut at ${cut}`);
                assert.equal(server.joins, 1, `cut at ${cut}`);
                if (server.cut !== 0) break; // this conversation was too short to be cut there
                await until(() => server.resumes === 1);
                socket.disconnect();
            }
        });
    }
}

test("pain 9: the token is in no URL of a WebSocket", async (t) => {
    const server = await ResumeServer.start(t);
    server.reset({ cut: 3, way: "after" });
    await converse(makeSocket(t, server, { transport: ["WebSocket"] }), 2);
    const [opened, resumed] = server.requests;
    assert.equal(opened.url, "/socket/websocket?resume=1");
    assert.match(resumed.url, /^\/socket\/websocket\?received=\d+&attempt=2$/);
    assert.match(resumed.protocols, /^chain,chain\.resume\.[0-9a-f]+$/);
});

test("a session that is not resumed is left behind: the channels join anew, once", async (t) => {
    const server = await ResumeServer.start(t);
    const socket = makeSocket(t, server, { transport: ["WebSocket"] });
    const channel = socket.channel("room:1").join();
    await until(() => channel.isJoined());
    const joined = calls();
    channel.on("ok", joined);
    for (const reason of ["unknown", "gap"]) {
        server.sessions.clear();
        server.reason = reason;
        joined.seen.length = 0;
        server.drop();
        await until(() => joined.seen.length === 1);
        const answer = await new Promise((resolve) => channel.push("say", 7).on("ok", resolve));
        assert.equal(answer, 7);
    }
    assert.equal(server.joins, 3);
});

test("while it is away a channel stays joined, and what is pushed or left then arrives after the resume", async (t) => {
    const server = await ResumeServer.start(t);
    const socket = makeSocket(t, server, { transport: ["WebSocket"] });
    const [one, two] = [socket.channel("room:1").join(), socket.channel("room:2").join()];
    await until(() => one.isJoined() && two.isJoined());
    server.away = true;
    server.drop();
    await until(() => !socket.isConnected());
    assert.ok(one.isJoined());
    assert.ok(!one.canPush());
    const reply = calls();
    one.push("say", 5).on("ok", reply);
    const left = calls();
    two.leave().on("ok", left);
    await settled();
    assert.equal(reply.seen.length + left.seen.length, 0);
    server.away = false;
    await until(() => reply.seen.length === 1 && left.seen.length === 1);
    assert.deepEqual(server.left, ["room:2"]);
    assert.equal(server.joins, 2);
});

test("pain 12: a channel is errored once the session's window is over, and joins when the server is back", async (t) => {
    const server = await ResumeServer.start(t);
    server.window = 50;
    const socket = makeSocket(t, server, { transport: ["WebSocket"] });
    const channel = socket.channel("room:1").join();
    await until(() => channel.isJoined());
    server.away = true;
    server.drop();
    await until(() => channel.isErrored());
    server.away = false;
    await until(() => channel.isJoined());
    assert.equal(server.joins, 2);
});

test("received frames are acknowledged after 32 of them, and what the server acknowledges is not sent again", async (t) => {
    const server = await ResumeServer.start(t);
    const socket = makeSocket(t, server, { transport: ["WebSocket"] });
    const { heard } = await converse(socket, 20);
    assert.equal(heard.length, 40);
    await until(() => server.acks.length > 0);
    assert.equal(server.acks[0], 32);
    server.ack();
    server.drop();
    await until(() => server.resumes === 1 && socket.isConnected());
    assert.equal(server.repeated, 0);
});

test("with resume: false, and with an older server, nothing of it is said", async (t) => {
    const server = await TestServer.start(t);
    for (const resume of [false, true]) {
        const socket = makeSocket(t, server, { resume, transport: ["WebSocket"] });
        const channel = socket.channel("room:1").join();
        await until(() => channel.isJoined());
        server.last.ws.terminate();
        await until(() => channel.isErrored());
        await until(() => channel.isJoined());
        assert.equal(server.last.url.searchParams.get("resume"), resume ? "1" : null);
        assert.equal(server.last.url.searchParams.get("received"), null);
        socket.disconnect();
    }
});

test("a server that has forgotten how to resume, and says nothing, is not waited for", async (t) => {
    const server = await ResumeServer.start(t);
    const socket = makeSocket(t, server, { transport: ["WebSocket"], connectTimeout: 100 });
    const channel = socket.channel("room:1").join();
    await until(() => channel.isJoined());
    server.plain = true;
    server.drop();
    await until(() => channel.isErrored() || server.joins === 2);
    await until(() => channel.isJoined());
    assert.equal(server.joins, 2);
});

test("a frame that is too big for the server is given up, and the count stays right", async (t) => {
    const server = await ResumeServer.start(t);
    server.limit = 500;
    const socket = makeSocket(t, server, { transport: ["SSE"] });
    const channel = socket.channel("room:1").join();
    await until(() => channel.isJoined());
    channel.push("say", "x".repeat(600));
    assert.equal(await new Promise((resolve) => channel.push("say", 1).on("ok", resolve)), 1);
    server.drop();
    await until(() => server.resumes === 1);
    assert.equal(await new Promise((resolve) => channel.push("say", 2).on("ok", resolve)), 2);
    assert.deepEqual(server.said, [1, 2]);
    assert.equal(server.joins, 1);
});

test("answers of the protocol itself are not counted, however many are under way", async (t) => {
    const server = await ResumeServer.start(t);
    const shown = [];
    const refresh = () => new Promise((resolve) => shown.push(resolve));
    const socket = makeSocket(t, server, { transport: ["WebSocket"], refresh });
    const channel = socket.channel("room:1").join();
    await until(() => channel.isJoined());
    const refreshed = calls();
    socket.on("refreshed", refreshed);
    const [session] = server.sessions.values();
    for (let round = 1; round <= 2; round++) {
        session.write('[0,0,0,"_chain","_expiring",{"expires_in_ms":100}]');
        await until(() => shown.length === round);
    }
    for (const show of shown) show({});
    await until(() => refreshed.seen.length === 2);
    server.drop();
    await until(() => server.resumes === 1 && socket.isConnected());
    assert.equal(new URL(server.requests.at(-1).url, "http://server").searchParams.get("received"), String(session.sent.length));
});

test("who disconnects leaves the session behind, also when its window is over", async (t) => {
    const server = await ResumeServer.start(t);
    server.window = 1;
    const socket = makeSocket(t, server, { transport: ["WebSocket"], reconnectInterval: [60_000] });
    const channel = socket.channel("room:1").join();
    await until(() => channel.isJoined());
    server.drop();
    await until(() => channel.isErrored());
    socket.disconnect();
    socket.connect();
    await until(() => channel.isJoined());
    assert.deepEqual([server.resumes, server.joins], [0, 2]);
    assert.equal(server.requests.at(-1).protocols, undefined);
});

test("a move to another node ends the memberships on the old one over SSE too", async (t) => {
    const [one, two] = [await ResumeServer.start(t), await ResumeServer.start(t)];
    let nodes = [one.endpoint];
    const options = { ...quick, transport: ["SSE"], getNodes: async () => nodes, getNodesInterval: 0.01 };
    const socket = new chain.Socket(options);
    t.after(() => socket.disconnect());
    const channels = [socket.channel("room:1").join(), socket.channel("room:2").join()];
    await until(() => channels.every((channel) => channel.isJoined()));
    nodes = [two.endpoint, one.endpoint];
    await until(() => two.joins === 2);
    await until(() => one.left.length === 2);
    assert.deepEqual(one.left.sort(), ["room:1", "room:2"]);
    assert.equal(one.repeated, 0);
});
