// A scripted server of the chain protocol over server-sent events, and what a browser has and Node.js has not.
import { createServer } from "node:http";
import { EventSource } from "eventsource";
import { chain, until } from "./support.mjs";

/** `EventSource` and `fetch` with one store of cookies, as those of a browser. */
export function browser() {
    const cookies = new Map();
    const withCookies = async (url, init = {}) => {
        const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
        const response = await fetch(url, { ...init, headers: { ...init.headers, ...(cookie && { cookie }) } });
        for (const line of response.headers.getSetCookie()) {
            const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
            cookies.set(name, value);
        }
        return response;
    };
    class WithCookies extends EventSource {
        constructor(url, init) {
            super(url, { ...init, fetch: withCookies });
        }
    }
    return { EventSource: WithCookies, fetch: withCookies };
}

/** What a browser keeps for a tab. */
export function storage(entries = {}) {
    const stored = new Map(Object.entries(entries));
    return { stored, getItem: (key) => stored.get(key) ?? null, setItem: (key, value) => void stored.set(key, value) };
}

/** One GET: its request, and the stream that answers it. */
class Stream {
    ended = false;

    constructor(request, response) {
        this.url = new URL(request.url, "http://server");
        this.cookie = request.headers.cookie;
        this.headers = request.headers;
        this.response = response;
        response.on("close", () => (this.ended = true));
    }

    get sid() {
        return this.url.searchParams.get("sid");
    }

    send(...frame) {
        this.response.write(`data: ${JSON.stringify(frame)}\n\n`);
    }

    reply([, joinRef, ref], status, payload = {}) {
        this.send(1, joinRef, ref, status, payload);
    }
}

/** Answers joins, leaves and heartbeats with ok on the newest stream, and each POST with 200. */
export class SseServer {
    streams = [];
    posts = [];
    frames = [];
    open = 0; // requests to post that are not answered
    refuseWith = undefined; // an HTTP status for streams
    refused = 0; // streams that got it
    retry = 10; // ms after which an EventSource comes back
    /** The status for a POST, a promise of it, or 0 to break the connection. */
    onPost = () => 200;
    postHeaders = {};
    answers = {
        _join: (stream, frame) => stream.reply(frame, 0, { joined: frame[3] }),
        _leave: (stream, frame) => stream.reply(frame, 0),
        _heartbeat: (stream, frame) => stream.reply(frame, 0, null),
    };

    static async start(t) {
        const server = new SseServer();
        server.http = createServer((request, response) => void server.serve(request, response));
        await new Promise((resolve) => server.http.listen(0, "127.0.0.1", resolve));
        server.port = server.http.address().port;
        server.endpoint = `http://127.0.0.1:${server.port}/socket`;
        t.after(() => server.http.closeAllConnections());
        t.after(() => server.http.close());
        return server;
    }

    get last() {
        return this.streams.at(-1);
    }

    /** The frames received with this event. */
    of(event) {
        return this.frames.filter((frame) => frame[4] === event);
    }

    async serve(request, response) {
        if (!request.url.startsWith("/socket/sse")) return response.writeHead(404).end();
        if (request.method === "POST") return this.take(request, response);
        if (this.refuseWith) {
            this.refused++;
            return response.writeHead(this.refuseWith).end();
        }
        const stream = new Stream(request, response);
        const cookie = `chain.${stream.sid}=secret; HttpOnly`;
        response.writeHead(200, { "Content-Type": "text/event-stream", "Set-Cookie": cookie });
        response.write(`retry: ${this.retry}\n\n`);
        this.streams.push(stream);
    }

    async take(request, response) {
        let text = "";
        this.open++;
        for await (const piece of request.setEncoding("utf8")) text += piece;
        const body = JSON.parse(text);
        this.posts.push({ url: new URL(request.url, "http://server"), headers: request.headers, body });
        const status = await this.onPost(body);
        this.open--;
        if (status === 0) return request.socket.destroy();
        response.writeHead(status, this.postHeaders).end("{}");
        if (status === 200) for (const frame of Array.isArray(body[0]) ? body : [body]) this.accept(frame);
    }

    accept(frame) {
        this.frames.push(frame);
        this.answers[frame[4]]?.(this.last, frame);
    }
}

/** A socket of the test that uses SSE alone, disconnected at its end. */
export function sseSocket(t, endpoint, options = {}) {
    const socket = new chain.Socket(endpoint, { transport: ["SSE"], ...browser(), ...options });
    t.after(() => socket.disconnect());
    return socket;
}

/** A server, a socket that is connected to it over SSE, and a channel that is joined. */
export async function sseJoined(t, options) {
    const server = await SseServer.start(t);
    const socket = sseSocket(t, server.endpoint, options);
    const channel = socket.channel("room:1").join();
    await until(() => channel.isJoined());
    return { server, socket, channel };
}
