// A scripted server of the chain protocol on 127.0.0.1, and what the tests share.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { WebSocket, WebSocketServer } from "ws";

/** The client's time: the real one, or one that the test moves. The server and the ws package keep the real one. */
class Clock {
    real = { setTimeout, clearTimeout, setInterval, clearInterval };
    timers = new Map();
    virtual = false;
    now = 0;
    lastId = 0;

    setTimeout = (callback, delay) => this.add("setTimeout", callback, delay);
    setInterval = (callback, delay) => this.add("setInterval", callback, delay);
    clearTimeout = (id) => this.remove("clearTimeout", id);
    clearInterval = (id) => this.remove("clearInterval", id);

    add(kind, callback, delay) {
        if (!this.virtual) return this.real[kind](callback, delay);
        const wait = delay < 2 ** 31 ? delay : 1; // as real timers do
        this.timers.set(++this.lastId, { at: this.now + wait, callback, every: kind === "setInterval" ? wait : 0 });
        return this.lastId;
    }

    remove(kind, id) {
        if (typeof id === "number") this.timers.delete(id);
        else this.real[kind](id);
    }

    /** Moves the time and fires what is due, in order. */
    tick(ms) {
        const end = this.now + ms;
        for (let next = this.due(end); next; next = this.due(end)) {
            const [id, timer] = next;
            this.now = timer.at;
            if (timer.every) timer.at += timer.every;
            else this.timers.delete(id);
            timer.callback();
        }
        this.now = end;
    }

    due(end) {
        const [first] = [...this.timers].sort(([, a], [, b]) => a.at - b.at);
        return first && first[1].at <= end ? first : undefined;
    }
}

const clock = new Clock();

function load() {
    const module = { exports: {} };
    const names = Object.keys(clock.real);
    const code = readFileSync(new URL("../dist/chain.js", import.meta.url), "utf8");
    new Function("module", ...names, code)(module, ...names.map((name) => clock[name]));
    return module.exports;
}

export const chain = load();

/** Waits until the condition is true, whatever the test's time. */
export async function until(condition, what = condition.toString()) {
    const end = performance.now() + 20_000;
    while (!condition()) {
        if (performance.now() > end) throw new Error(`waited in vain for: ${what}`);
        await new Promise(setImmediate);
    }
}

/** Lets what is on its way arrive, to show that nothing does. */
export async function settled() {
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
}

/** From now on the test moves the client's time, and the random part of delays is `random`. */
export function mockTimers(t, random = 1) {
    t.mock.method(Math, "random", () => random);
    clock.virtual = true;
    t.after(() => {
        clock.virtual = false;
        clock.timers.clear();
    });
    return clock;
}

/** One accepted connection: its request, the frames it received, and its WebSocket. */
class Connection {
    frames = [];
    closed;

    constructor(ws, request) {
        this.ws = ws;
        this.url = new URL(request.url, "http://server");
        this.protocols = request.headers["sec-websocket-protocol"];
        ws.on("error", () => undefined);
        ws.on("close", (code) => (this.closed = code));
    }

    send(...frame) {
        this.ws.send(JSON.stringify(frame));
    }

    reply([, joinRef, ref], status, payload = {}) {
        this.send(1, joinRef, ref, status, payload);
    }

    /** The frames received with this event. */
    of(event) {
        return this.frames.filter((frame) => frame[4] === event);
    }
}

/** Answers joins, leaves and heartbeats with ok, unless the test sets `answers[event]`. */
export class TestServer {
    connections = [];
    requests = [];
    refuseWith = undefined; // an HTTP status for handshakes
    answers = {
        _join: (connection, frame) => connection.reply(frame, 0, { joined: frame[3] }),
        _leave: (connection, frame) => connection.reply(frame, 0),
        _heartbeat: (connection, frame) => connection.reply(frame, 0, null),
    };

    static async start(t, port = 0) {
        const server = new TestServer();
        await server.listen(port);
        t.after(() => server.stop());
        return server;
    }

    async listen(port) {
        this.http = createServer((_, response) => response.writeHead(404).end());
        const sockets = new WebSocketServer({ noServer: true });
        this.http.on("upgrade", (request, socket, head) => {
            this.requests.push(request.url);
            if (this.refuseWith) return socket.end(`HTTP/1.1 ${this.refuseWith} Refused\r\nContent-Length: 0\r\n\r\n`);
            sockets.handleUpgrade(request, socket, head, (ws) => this.accept(ws, request));
        });
        await new Promise((resolve) => this.http.listen(port, "127.0.0.1", resolve));
        this.port = this.http.address().port;
        this.endpoint = `http://127.0.0.1:${this.port}/socket`;
    }

    accept(ws, request) {
        const connection = new Connection(ws, request);
        this.connections.push(connection);
        ws.on("message", (data) => {
            const frame = JSON.parse(data);
            connection.frames.push(frame);
            this.answers[frame[4]]?.(connection, frame);
        });
    }

    get last() {
        return this.connections.at(-1);
    }

    stop() {
        for (const { ws } of this.connections) ws.terminate();
        return new Promise((resolve) => this.http.close(resolve));
    }
}

/** A TCP server that accepts and never answers. */
export async function startSilent(t) {
    const sockets = [];
    const server = createTcpServer((socket) => sockets.push(socket.on("error", () => undefined).resume()));
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => server.close());
    t.after(() => sockets.forEach((socket) => socket.destroy()));
    return { sockets, endpoint: `http://127.0.0.1:${server.address().port}/socket` };
}

/** A socket of the test, disconnected at its end. */
export function makeSocket(t, endpoint, options = {}) {
    const all = { WebSocket, ...options };
    const socket = endpoint === undefined ? new chain.Socket(all) : new chain.Socket(endpoint, all);
    t.after(() => socket.disconnect());
    return socket;
}

/** A server, a socket that is connected to it, and a channel of the topic that is joined. */
export async function joined(t, { topic = "room:1", options, params, channelOptions } = {}) {
    const server = await TestServer.start(t);
    const socket = makeSocket(t, server.endpoint, options);
    const channel = socket.channel(topic, params, channelOptions).join();
    await until(() => channel.isJoined());
    return { server, socket, channel };
}

/** The calls of a listener, each as its arguments. */
export function calls() {
    const seen = [];
    const listener = (...args) => void seen.push(args);
    return Object.assign(listener, { seen });
}
