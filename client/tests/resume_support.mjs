// A scripted server that resumes sessions over WebSocket and server-sent events, and can be made to cut them at any frame.
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

class Session {
    static count = 0;
    sent = [];
    received = 0;
    token = "";
    write = undefined; // to the connection that there is

    constructor() {
        this.id = `e${++Session.count}`;
    }
}

export class ResumeServer {
    sessions = new Map(); // by token
    requests = [];
    sockets = new Set();
    acks = [];
    away = false; // whether every connection is refused
    plain = false; // whether it knows nothing of resuming
    reason = "unknown";
    window = 15_000;
    limit = Infinity;
    tokens = 0;

    static async start(t) {
        const server = new ResumeServer();
        server.reset({});
        server.http = createServer((request, response) => void server.serve(request, response));
        const websockets = new WebSocketServer({ noServer: true, handleProtocols: () => "chain" });
        server.http.on("upgrade", (request, socket, head) => {
            if (server.refuses("WebSocket")) return socket.destroy();
            server.requests.push({ url: request.url, protocols: request.headers["sec-websocket-protocol"] });
            websockets.handleUpgrade(request, socket, head, (ws) => server.accept(ws, request));
        });
        server.http.on("connection", (socket) => {
            server.sockets.add(socket.on("error", () => undefined));
            socket.on("close", () => server.sockets.delete(socket));
        });
        await new Promise((resolve) => server.http.listen(0, "127.0.0.1", resolve));
        server.endpoint = `http://127.0.0.1:${server.http.address().port}/socket`;
        t.after(() => server.http.close());
        t.after(() => server.drop());
        return server;
    }

    /** A new conversation, cut at the frame of this number, counted over both directions; 0 when it was. */
    reset({ cut, way, refuseAfterCut }) {
        Object.assign(this, { cut, way, refuseAfterCut, io: 0, said: [], left: [], joins: 0, resumes: 0, repeated: 0 });
    }

    /** Breaks every connection. */
    drop() {
        for (const session of this.sessions.values()) session.write = undefined;
        for (const socket of this.sockets) socket.destroy();
    }

    /** Acknowledges all that has come. */
    ack() {
        for (const session of this.sessions.values()) session.write?.(`[3,${session.received}]`);
    }

    refuses(transport) {
        return this.away || (this.cut === 0 && this.refuseAfterCut === transport);
    }

    /** Whether the connections break at this frame, before or after it is dealt with. */
    breaks(way) {
        if (way === "before") this.io++;
        if (this.io !== this.cut || this.way !== way) return false;
        this.cut = 0;
        this.drop();
        return true;
    }

    open(url, token, write) {
        const old = this.sessions.get(token);
        const known = old && !this.plain;
        const session = known ? old : new Session();
        session.write = write;
        if (!this.plain && (token || url.searchParams.get("resume"))) {
            this.sessions.delete(token);
            session.token = `${++this.tokens}abc`;
            this.sessions.set(session.token, session);
            const lost = token ? { reason: this.reason } : {};
            const told = known ? { resumed: true, received: session.received } : { resumed: false, ...lost, window_ms: this.window };
            write(JSON.stringify([0, 0, 0, "_chain", "_session", { token: session.token, ...told }]));
        }
        if (known) {
            this.resumes++;
            const from = Number(url.searchParams.get("received"));
            session.sent.slice(from).forEach((text, index) => session.write?.(text, from + index + 1));
        }
        return session;
    }

    accept(ws, request) {
        const url = new URL(request.url, "http://server");
        const token = /chain\.resume\.(\w+)/.exec(request.headers["sec-websocket-protocol"] ?? "")?.[1];
        const write = (text) => ws.send(text);
        const session = this.open(url, token, write);
        ws.on("message", (data) => session.write === write && this.take(session, String(data)));
    }

    async serve(request, response) {
        if (this.refuses("SSE")) return request.socket.destroy();
        const url = new URL(request.url, "http://server");
        if (request.method === "POST") return this.post(url, request, response);
        const token = request.headers["x-chain-session"] ?? url.searchParams.get("session");
        this.requests.push({ url: request.url, token });
        response.writeHead(200, { "Content-Type": "text/event-stream" });
        response.write("retry: 1\n\n");
        this.stream = this.open(url, token, (text, number) => {
            response.write(number ? `id: x-${number}\ndata: ${text}\n\n` : `data: ${text}\n\n`);
        });
    }

    async post(url, request, response) {
        let text = "";
        for await (const piece of request.setEncoding("utf8")) text += piece;
        const token = request.headers["x-chain-session"];
        const session = token ? this.sessions.get(token) : this.stream;
        if (!session?.write) return response.writeHead(410).end();
        if (text.length > this.limit) return response.writeHead(413).end();
        const body = JSON.parse(text);
        const frames = Array.isArray(body[0]) ? body : [body];
        let skip = session.received - Number(url.searchParams.get("seq"));
        if (skip < 0) return response.writeHead(409).end();
        for (const frame of frames) {
            if (frame[3] !== "_chain" && skip-- > 0) this.repeated++;
            else if (!this.take(session, JSON.stringify(frame))) return request.socket.destroy();
        }
        response.writeHead(200).end(JSON.stringify({ received: session.received }));
    }

    /** Returns false when the connection broke meanwhile. */
    take(session, text) {
        const frame = JSON.parse(text);
        if (frame[0] === 3) return this.acks.push(frame[1]) > 0;
        const [, joinRef, ref, topic, event, payload] = frame;
        if (topic === "_chain") {
            session.write?.(JSON.stringify([1, 0, ref, 0, null]));
            return true;
        }
        if (this.breaks("before")) return false;
        session.received++;
        const cut = this.breaks("after");
        if (event === "_join") this.joins++;
        if (event === "_leave") this.left.push(topic);
        if (event === "say") {
            this.said.push(payload);
            this.send(session, [2, topic, "said", payload]);
        }
        this.send(session, [1, joinRef, ref, 0, event === "say" ? payload : {}]);
        return !cut;
    }

    send(session, frame) {
        const text = JSON.stringify(frame);
        const number = session.sent.push(text);
        if (this.breaks("before")) return;
        session.write?.(text, number);
        this.breaks("after");
    }
}
