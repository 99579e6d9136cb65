// The browser client of chain: channels over one connection, with reconnects, rejoins and heartbeats.
//
//     const socket = new chain.Socket("/socket");
//     const channel = socket.channel("chat:lobby", { name: "Ada" });
//     channel.join().on("ok", (reply) => chain.log("Chat", "joined", reply));
//     channel.on("shout", (message) => chain.log("Chat", message));
//     channel.push("shout", { text: "hello" }).on("timeout", () => chain.log("Chat", "no answer"));

type Timer = ReturnType<typeof setTimeout>;
type Listener = (...args: any[]) => void;
type Args<M, K> = K extends keyof M ? (M[K] extends any[] ? M[K] : any[]) : any[];

const SOCKET = "Socket";
const CHANNEL = "Channel";
const TRANSPORT = "Transport";

const CHAIN_TOPIC = "_chain";
const LONGEST_DELAY = 2 ** 31 - 1; // what a timer takes; a longer one fires at once
const FINAL_CODES = [1000, 4001]; // closed for good by the application; replaced by a newer connection
const STABLE_AFTER = 10_000; // ms a connection must live before its failures are forgotten
const REOPEN_TIME = 30_000; // ms that a transport which connects again by itself is given
const FAILURES_PER_TRANSPORT = 2; // tries before another transport is tried
const FRAMES_PER_POST = 100; // what the server takes at once
const CHARACTERS_PER_POST = 20_000; // at most 60,000 bytes, below the server's limit
const POST_INTERVALS = [500, 1000, 2000, 5000]; // ms between tries to post
const KEPT_FRAMES = 1000; // sent and not confirmed; beyond them, and so many characters, the oldest are forgotten
const KEPT_CHARACTERS = 1 << 20;
const FRAMES_PER_ACK = 32;
const ACK_AFTER = 5000; // ms
const TIMED_OUT = "connecting timed out";

// ---------------------------------------------------------------------------------------- logging

/**
 * Switches of `log`. `Debug` switches every group that has no switch of its own; `Debug<Group>` switches one.
 * The library's own groups are `Socket`, `Channel` and `Transport`, silent at first: `chain.Options.DebugSocket = true`.
 */
export const Options: { Debug: boolean; [key: string]: any } = {
    Debug: true,
    DebugSocket: false,
    DebugChannel: false,
    DebugTransport: false,
};

/** Writes to the console when `Options` says so: `log(group, template, ...values)`; group and template may be left out. */
export function log(group: any, ...params: any[]): void {
    const name = typeof group === "string" ? group : "";
    if (!(Options[`Debug${name}`] ?? Options.Debug)) return;

    const values = name ? params : [group, ...params];
    const template = typeof values[0] === "string" ? values.shift() : "";
    console.log(`${name.padStart(TRANSPORT.length)}: ${template}`, ...values);
}

/** An exception of the application's code must not stop the delivery to others; it is shown as if uncaught. */
function report(error: unknown): void {
    if (typeof reportError === "function") reportError(error);
    else console.error(error);
}

function guarded(action: () => void): void {
    try {
        action();
    } catch (error) {
        report(error);
    }
}

// ----------------------------------------------------------------------------------------- events

/** Named events and their listeners; `M` maps the names to the listeners' parameters. */
export class Events<M = any> {
    private readonly listeners = new Map<string, Listener[]>();

    /** Calls every listener of the event; one that throws does not keep the others from being called. */
    emit(event: string, ...args: any[]): void {
        for (const listener of this.listeners.get(event) ?? []) guarded(() => listener(...args));
    }

    on<K extends string>(event: K, callback: (...args: Args<M, K>) => void): this {
        this.listeners.set(event, [...(this.listeners.get(event) ?? []), callback as Listener]);
        return this;
    }

    /** Removes a listener; without `callback`, all listeners of the event. */
    off(event: string, callback?: Listener): this {
        const listeners = this.listeners.get(event) ?? [];
        const found = callback ? listeners.indexOf(callback) : -1;
        if (!callback) this.listeners.delete(event);
        else if (found >= 0) this.listeners.set(event, listeners.filter((_, index) => index !== found));
        return this;
    }
}

// --------------------------------------------------------------------------------- wire protocol

/** Element 0 of a frame. */
export enum MessageKindEnum {
    PUSH = 0,
    REPLY = 1,
    BROADCAST = 2,
    ACK = 3,
}

/** A decoded frame. A reply has the event `_reply`, no topic, and the payload `{status, response}`. */
export interface Message {
    kind: MessageKindEnum;
    joinRef: number;
    ref: number;
    topic?: string;
    event: string;
    payload: any;
    /** The payload's JSON text as it was received. */
    payload_raw: string;
}

/** A message as a frame of kind push. */
export function encode(message: Partial<Message>): string {
    const { joinRef = 0, ref = 0, topic, event, payload } = message;
    return JSON.stringify([MessageKindEnum.PUSH, joinRef, ref, topic, event, payload]);
}

/** The message of a frame; throws an `Error` when the text is not a frame of the protocol. */
export function decode(rawMessage: string): Message {
    const frame = JSON.parse(rawMessage);
    const message = Array.isArray(frame) ? toMessage(frame, rawMessage) : undefined;
    if (typeof message?.event !== "string") throw new Error(`not a frame: ${String(rawMessage).slice(0, 80)}`);
    return message;
}

function toMessage(frame: any[], raw: string): Message | undefined {
    const [kind, a, b, c, d, e] = frame;
    switch (kind) {
        case MessageKindEnum.PUSH:
            return { kind, joinRef: a, ref: b, topic: c, event: d, payload: e ?? null, payload_raw: after(raw, 5) };
        case MessageKindEnum.REPLY: {
            const payload = { status: c === 0 ? "ok" : "error", response: d ?? null };
            return { kind, joinRef: a, ref: b, event: "_reply", payload, payload_raw: after(raw, 4) };
        }
        case MessageKindEnum.BROADCAST:
            return { kind, joinRef: 0, ref: 0, topic: a, event: b, payload: c ?? null, payload_raw: after(raw, 3) };
        case MessageKindEnum.ACK:
            return { kind, joinRef: 0, ref: 0, event: "_ack", payload: a, payload_raw: after(raw, 1) };
        default:
            return undefined;
    }
}

/** The frame's text after its first commas: no element before the payload contains one. */
function after(raw: string, commas: number): string {
    let at = -1;
    for (let seen = 0; seen < commas; seen++) {
        at = raw.indexOf(",", at + 1);
        if (at < 0) return "";
    }
    return raw.slice(at + 1, raw.lastIndexOf("]")).trim();
}

function retryAfter(response: any): number {
    const delay = response?.retry_after_ms;
    return typeof delay === "number" && delay > 0 ? delay : 0;
}

/** A close reason has no shape of its own; a delay is looked for in JSON and in plain text. */
function retryAfterClose(reason: string | undefined): number {
    const found = /retry_after_ms\D{0,4}(\d+)/.exec(reason ?? "");
    return found ? Number(found[1]) : 0;
}

// ----------------------------------------------------------------------------------------- timing

/** A timer; also of a delay that is longer than what timers take, as `Infinity`. */
function later(callback: () => void, delay: number): Timer {
    return setTimeout(callback, Math.min(delay, LONGEST_DELAY));
}

/**
 * Calls back after growing delays. Each delay is a random part of its interval, between half and all of it, so that
 * clients that failed together do not come back together.
 */
export class Retry {
    private count = 0;
    private timer?: Timer;
    private earliest = 0; // when a demanded delay is over, by performance.now()
    private readonly intervals: number[];

    /** `callback` gets the number of the try, from 1; `intervals` are milliseconds, the longest one repeats. */
    constructor(private readonly callback: (tries: number) => void, intervals: number[]) {
        this.intervals = intervals.slice().sort((a, b) => a - b);
    }

    tries(): number {
        return this.count;
    }

    /** The interval of the next try, in ms, before the random part is taken. */
    lastInterval(): number {
        return this.intervals[Math.min(this.count, this.intervals.length - 1)] ?? 0;
    }

    /** Schedules the next try, in place of one that is scheduled; `atLeast` ms are added to its delay. */
    retry(atLeast = 0): void {
        this.cancel();
        const delay = atLeast + this.lastInterval() * (0.5 + Math.random() / 2);
        this.earliest = performance.now() + atLeast;
        this.timer = later(() => this.fire(), delay);
    }

    /** Does a scheduled try now; `patient`: unless a demanded delay is not over yet. */
    hasten(patient = false): void {
        const waits = patient && performance.now() < this.earliest;
        if (this.timer !== undefined && !waits) this.fire();
    }

    /** Drops a scheduled try and keeps the count. */
    cancel(): void {
        clearTimeout(this.timer);
        this.timer = undefined;
    }

    reset(): void {
        this.cancel();
        this.count = 0;
    }

    private fire(): void {
        this.cancel();
        this.count++;
        this.callback(this.count);
    }
}

/** Asks the server at intervals for a sign of life, and tells when none comes. */
class Heartbeat {
    private timer?: Timer;
    private deadline?: Timer;
    private ref = 0;

    constructor(
        private readonly interval: number,
        private readonly timeout: number,
        private readonly send: () => number,
        private readonly dead: () => void,
    ) {}

    start(): void {
        this.stop();
        if (this.interval > 0) this.timer = setInterval(() => this.beat(), Math.min(this.interval, LONGEST_DELAY));
    }

    stop(): void {
        clearInterval(this.timer);
        clearTimeout(this.deadline);
        this.timer = undefined;
        this.ref = 0;
    }

    /** Asks now, unless a question is open or the heartbeat is off. */
    beat(): void {
        if (this.ref || this.timer === undefined) return;
        this.ref = this.send();
        this.deadline = later(this.dead, this.timeout);
    }

    /** Takes note of the reply of this ref, which may be the answer. */
    answered(ref: number): void {
        if (ref !== this.ref) return;
        clearTimeout(this.deadline);
        this.ref = 0;
    }
}

/** Tells when a page is likely to have a network again: it is shown, restored, or the browser came online. */
class WakeUp {
    private readonly onShown = () => document.visibilityState === "visible" && this.callback();
    private readonly onWake = () => this.callback();

    constructor(private readonly callback: () => void) {}

    start(): void {
        this.stop();
        if (typeof document !== "undefined") document.addEventListener("visibilitychange", this.onShown);
        if (typeof window === "undefined") return;
        window.addEventListener("online", this.onWake);
        window.addEventListener("pageshow", this.onWake);
    }

    stop(): void {
        if (typeof document !== "undefined") document.removeEventListener("visibilitychange", this.onShown);
        if (typeof window === "undefined") return;
        window.removeEventListener("online", this.onWake);
        window.removeEventListener("pageshow", this.onWake);
    }
}

/**
 * Remembers keys for some seconds, to find duplicates:
 *
 *     const history = new chain.History(5);
 *     new chain.Socket({ duplicated: (message) => history.exists(message.payload.id) });
 */
export class History {
    private readonly expiries = new Map<unknown, number>(); // in order of expiry
    private readonly ttl: number;

    constructor(ttlSeconds = 5) {
        this.ttl = Math.max(Math.round(ttlSeconds), 1) * 1000;
    }

    /** Whether the key was seen within the last seconds; it is remembered anew. A missing key was never seen. */
    exists(key: unknown): boolean {
        if (key === undefined || key === null) return false;
        const now = performance.now();
        this.expire(now);
        const seen = this.expiries.delete(key);
        this.expiries.set(key, now + this.ttl);
        return seen;
    }

    private expire(now: number): void {
        for (const [key, expiry] of this.expiries) {
            if (expiry > now) return;
            this.expiries.delete(key);
        }
    }
}

// ----------------------------------------------------------------------------------------- resume

/** What the server says in `_session`. */
interface SessionInfo {
    token: string;
    resumed: boolean;
    reason?: string;
    received?: number;
    window_ms?: number;
}

/**
 * A session as its client knows it, for a connection that is to go on with it: the frames of both directions are counted, and
 * those sent are kept until the server has confirmed them. Without a token the connection asks for a session.
 */
class ResumeState {
    private secret = "";
    private known?: boolean; // whether the server can resume, once something was heard
    private windowMs = 0;
    private tries = 0;
    private got = 0;
    private acknowledged = 0;
    private count = 0;
    private kept: string[] = [];
    private size = 0;

    /** What the client shows to get its session back; empty when it has none. */
    get token(): string {
        return this.secret;
    }

    /** How many of the server's frames have arrived. */
    get received(): number {
        return this.got;
    }

    /** How many frames were sent. */
    get sent(): number {
        return this.count;
    }

    get attempt(): number {
        return this.tries;
    }

    /** Whether the server is known not to resume. */
    get isPlain(): boolean {
        return this.known === false;
    }

    /** For how long the server keeps the session without a connection, in ms. */
    get window(): number {
        return this.windowMs;
    }

    /** @internal Another try to connect begins. */
    prepare(): this {
        this.tries++;
        return this;
    }

    /** @internal There is no session any more. */
    forget(): void {
        this.secret = "";
        this.known = undefined;
        this.got = this.acknowledged = this.count = this.size = 0;
        this.kept = [];
    }

    /** @internal The server told of the session. Returns false when it expects a frame that was forgotten. */
    adopt(info: SessionInfo): boolean {
        this.known = true;
        this.secret = info.token;
        this.windowMs = info.window_ms ?? this.windowMs;
        if (!info.resumed) return true;
        this.acknowledged = this.got;
        const received = info.received ?? 0;
        this.confirm(received);
        return received >= this.count - this.kept.length;
    }

    /** @internal A frame that counts arrived. Returns how many have not been acknowledged. */
    take(): number {
        this.known ??= false;
        return ++this.got - this.acknowledged;
    }

    /** @internal The acknowledgement of what has arrived, if it is due. */
    acknowledge(): string | undefined {
        if (!this.secret || this.acknowledged === this.got) return undefined;
        this.acknowledged = this.got;
        return JSON.stringify([MessageKindEnum.ACK, this.got]);
    }

    /** @internal */
    keep(frame: string): void {
        this.count++;
        if (this.known === false) return;
        this.kept.push(frame);
        this.size += frame.length;
        while (this.kept.length > KEPT_FRAMES || this.size > KEPT_CHARACTERS) this.drop();
    }

    /** @internal The server has so many frames. */
    confirm(count: number): void {
        while (this.kept.length > 0 && this.count - this.kept.length < count) this.drop();
    }

    /** @internal The server refuses to take the frame: it was never sent. */
    withdraw(frame: string): void {
        const at = this.kept.indexOf(frame);
        if (at >= 0) this.size -= this.kept.splice(at, 1)[0].length;
        this.count--;
    }

    /** @internal What has to be sent again. */
    unconfirmed(): string[] {
        return this.kept.slice();
    }

    private drop(): void {
        this.size -= this.kept.shift()?.length ?? 0;
    }
}

// ------------------------------------------------------------------------------------- transports

/** Query parameters of a connection. */
export type Params = { [key: string]: any };

/** What the client uses of a WebSocket class: the browser's own fits, and that of the npm package `ws`. */
export interface WebSocketLike {
    readonly readyState: number;
    onopen: any;
    onmessage: any;
    onerror: any;
    onclose: any;
    send(data: string): void;
    close(code?: number, reason?: string): void;
}

export interface WebSocketConstructor {
    new (url: string, protocols?: string[]): WebSocketLike;
}

/** What the client uses of an EventSource class: the browser's own fits, and that of the npm package `eventsource`. */
export interface EventSourceLike {
    readonly readyState: number;
    onopen: any;
    onmessage: any;
    onerror: any;
    close(): void;
}

export interface EventSourceConstructor {
    new (url: string, init?: { withCredentials?: boolean }): EventSourceLike;
}

/** What the client uses of the answer of `fetch`; of its body only where an event stream is read with it. */
export interface ResponseLike {
    readonly status: number;
    readonly headers: { get(name: string): string | null };
    readonly body?: ReadableStream<Uint8Array> | null;
    text(): Promise<string>;
}

export type Fetch = (url: string, init: RequestInit) => Promise<ResponseLike>;

export interface TransportConfig {
    /** The name in `Transports`. */
    name: string;
    /** The browser tab, for transports that need one. */
    sid?: string;
    /** Whether a transport that uses HTTP requests sends them with credentials (cookies) to another origin. */
    cors?: boolean;
    params?: Params;
    /** Who the client is, for the server to see outside the URL. */
    authToken?: string;
    /** The session that the connection is to go on with, or to open; none when the client does not resume. */
    resume?: ResumeState;
    WebSocket?: WebSocketConstructor;
    EventSource?: EventSourceConstructor;
    fetch?: Fetch;
}

/**
 * One connection to an endpoint. It emits, with itself as first argument: `open`; `message` with a frame's text;
 * `close` with `{code, reason}`; or `error` with anything. After `close` or `error` the client drops it and makes a new one.
 * One that connects again by itself emits `interrupted` with `{code, reason}`, and `open` when it has.
 */
export interface Transport {
    /** Whether the client is to ask the server for signs of life over this transport. */
    readonly heartbeat?: boolean;
    /** Whether received frames are acknowledged in frames of their own. */
    readonly acks?: boolean;
    on(event: string, callback: (...args: any[]) => void): unknown;
    connect(endpoint: string): void;
    endpoint(): string;
    /** Sends a frame; `counted` says whether it is one of those that both sides count. */
    send(data: string, counted?: boolean): void;
    close(code?: number, reason?: string): void;
}

export interface TransportConstructor {
    new (config: TransportConfig): Transport;
    /** Whether there is what the transport needs; without this function there is. */
    isSupported?(config: TransportConfig): boolean;
}

/** Frames as text messages of a WebSocket at `{endpoint}/websocket`. */
export class TransportWebSocket extends Events implements Transport {
    static isSupported({ WebSocket }: TransportConfig): boolean {
        return (WebSocket ?? globalThis.WebSocket) !== undefined;
    }

    readonly heartbeat = true;
    readonly acks = true;
    private target = "";
    private ws?: WebSocketLike;

    constructor(private readonly config: TransportConfig) {
        super();
    }

    endpoint(): string {
        return this.target;
    }

    connect(endpoint: string): void {
        const WebSocketClass = this.config.WebSocket ?? globalThis.WebSocket;
        if (!WebSocketClass) throw new Error("there is no WebSocket here: give one in the option WebSocket");

        const { params, resume } = this.config;
        const url = urlOf(endpoint, "/websocket", "ws", { ...params, ...resumeParams(resume) });
        this.target = endpoint;
        const ws: WebSocketLike = new WebSocketClass(url, ...this.protocols());
        ws.onopen = () => this.emit("open", this);
        ws.onmessage = (event: { data: string }) => this.emit("message", this, event.data);
        ws.onerror = (event: unknown) => log(TRANSPORT, "error", event); // a close event with the code follows
        ws.onclose = (event: { code: number; reason: string }) => this.emit("close", this, event);
        this.ws = ws;
    }

    send(data: string): void {
        if (this.ws?.readyState === 1) this.ws.send(data);
    }

    close(code = 1000, reason = ""): void {
        const ws = this.ws;
        if (!ws) return;
        this.ws = undefined;
        ws.onopen = ws.onmessage = ws.onclose = null;
        ws.onerror = () => undefined; // the ws package throws an error that nobody hears
        ws.close(code, reason);
    }

    /** What is offered as subprotocols: tokens, which in the query would end in logs. */
    private protocols(): string[][] {
        const { authToken, resume } = this.config;
        const secrets: string[] = [];
        if (resume?.token) secrets.push(`chain.resume.${resume.token}`);
        if (authToken) secrets.push(`base64url.bearer.phx.${base64Url(authToken)}`);
        return secrets.length > 0 ? [["chain", ...secrets]] : [];
    }
}

/** The text's bytes in UTF-8, in the alphabet that may stand in a header. */
function base64Url(text: string): string {
    const bytes = String.fromCharCode(...new TextEncoder().encode(text));
    return btoa(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** What a connection says in its query about the session that it is for; the token is not in it. */
function resumeParams(resume: ResumeState | undefined): Params {
    if (!resume) return {};
    return resume.token ? { received: resume.received, attempt: resume.attempt } : { resume: 1 };
}

/** The header that shows the application's token. */
function bearer(authToken: string | undefined): Record<string, string> {
    return authToken ? { Authorization: `Bearer ${authToken}` } : {};
}

/** An event stream that is read with `fetch`: an EventSource sends no headers. It does not connect again by itself. */
class FetchedEvents implements EventSourceLike {
    readyState = 0;
    onopen: any;
    onmessage: any;
    onerror: any;
    private data: string[] = [];
    private readonly abort = new AbortController();

    constructor(url: string, fetch: Fetch, headers: Record<string, string>, credentials: RequestCredentials) {
        const init: RequestInit = { headers: { ...headers, Accept: "text/event-stream" }, credentials, cache: "no-store" };
        fetch(url, { ...init, signal: this.abort.signal })
            .then((response) => this.read(response))
            .catch((error) => log(TRANSPORT, "event stream failed", error))
            .then(() => this.end());
    }

    close(): void {
        this.readyState = 2;
        this.abort.abort();
    }

    private async read({ status, headers, body }: ResponseLike): Promise<void> {
        const isStream = status === 200 && headers.get("Content-Type")?.startsWith("text/event-stream");
        if (!isStream || !body || this.readyState === 2) return this.abort.abort();
        this.readyState = 1;
        this.onopen?.();
        const reader = body.getReader();
        const decoder = new TextDecoder();
        let rest = "";
        for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
            const lines = (rest + decoder.decode(piece.value, { stream: true })).split("\n");
            rest = lines.pop() ?? "";
            for (const line of lines) this.take(line);
        }
    }

    private take(line: string): void {
        if (line.startsWith("data:")) this.data.push(line.slice(line[5] === " " ? 6 : 5));
        if (line !== "" || this.data.length === 0) return;
        const data = this.data.splice(0).join("\n");
        if (this.readyState === 1) guarded(() => this.onmessage?.({ data }));
    }

    private end(): void {
        if (this.readyState === 2) return;
        this.readyState = 2;
        this.onerror?.();
    }
}

/** A frame that waits to be posted. */
interface Waiting {
    frame: string;
    counted: boolean;
}

function countedOf(waiting: Waiting[]): number {
    return waiting.filter(({ counted }) => counted).length;
}

/** Frames on their way to the server: in order, one request at a time, each tried until the server has answered. */
class PostQueue {
    private frames: Waiting[] = [];
    private busy = false;
    private ended = false;
    private alone = 0; // frames that are to go without others
    private readonly abort = new AbortController();
    private readonly retry = new Retry(() => void this.next(), POST_INTERVALS);

    /**
     * `post` is also told how many counted frames were sent before those of the body. `gone` is called when the server does not
     * know the session any more, or misses frames.
     */
    constructor(
        private readonly post: (body: string, seq: number, init: RequestInit) => Promise<ResponseLike>,
        private readonly resume: ResumeState | undefined,
        private readonly gone: () => void,
    ) {}

    /** What the application sends in one turn goes in one request. */
    add(frame: string, counted: boolean): void {
        if (this.ended) return;
        this.frames.push({ frame, counted });
        if (this.busy) return;
        this.busy = true;
        queueMicrotask(() => void this.next());
    }

    /** What is waiting is still sent, once; the page need not wait for it. */
    finish(): void {
        this.ended = true;
    }

    drop(): void {
        this.ended = true;
        this.frames = [];
        this.retry.cancel();
        this.abort.abort();
    }

    private async next(): Promise<void> {
        const batch = this.take();
        this.busy = batch.length > 0;
        if (!this.busy) return;

        const body = batch.length === 1 ? batch[0].frame : `[${batch.map(({ frame }) => frame).join(",")}]`;
        const seq = (this.resume?.sent ?? 0) - countedOf(batch) - countedOf(this.frames);
        let [status, delay] = [0, 0];
        try {
            const response = await this.post(body, seq, { signal: this.abort.signal, keepalive: this.ended });
            const answer = await response.text();
            delay = (Number(response.headers.get("Retry-After")) || 0) * 1000;
            status = response.status;
            if (status === 200) this.confirm(answer);
        } catch (error) {
            log(TRANSPORT, "post failed", error);
        }
        this.settle(batch, status, delay);
    }

    private confirm(answer: string): void {
        const found = /"received":(\d+)/.exec(answer);
        if (found && !this.ended) this.resume?.confirm(Number(found[1]));
    }

    private take(): Waiting[] {
        let [count, size] = [0, 0];
        for (const { frame } of this.frames.slice(0, this.alone > 0 ? 1 : FRAMES_PER_POST)) {
            size += frame.length + 1;
            if (count > 0 && size > CHARACTERS_PER_POST) break;
            count++;
        }
        this.alone = Math.max(this.alone - count, 0);
        return this.frames.splice(0, count);
    }

    private settle(batch: Waiting[], status: number, delay: number): void {
        const unheard = status === 0 || status === 429 || status >= 500;
        if (unheard && !this.ended) {
            this.frames.unshift(...batch);
            return this.retry.retry(delay);
        }
        this.retry.reset();
        if ((status === 410 || status === 409) && !this.ended) return this.gone();

        const refused = status >= 400 && status < 500;
        if (refused && batch.length > 1 && !this.ended) {
            this.frames.unshift(...batch); // a body is refused as a whole: the good frames are to get through
            this.alone = batch.length;
        } else if (refused) {
            log(TRANSPORT, "frame refused with %s", status, batch);
            for (const { frame, counted } of batch) if (counted && !this.ended) this.resume?.withdraw(frame);
        }
        void this.next();
    }
}

/**
 * Frames as server-sent events of `{endpoint}/sse`; what the client says goes there in POSTs. The session belongs to the
 * browser tab, which the server knows by `sid` and a cookie, and outlives an interruption of the stream.
 */
export class TransportSSE extends Events implements Transport {
    static isSupported({ EventSource, authToken }: TransportConfig): boolean {
        return authToken !== undefined || (EventSource ?? globalThis.EventSource) !== undefined;
    }

    readonly heartbeat = true;
    private target = "";
    private isOpen = false;
    private source?: EventSourceLike;
    private posts?: PostQueue;

    constructor(private readonly config: TransportConfig) {
        super();
    }

    endpoint(): string {
        return this.target;
    }

    connect(endpoint: string): void {
        const { params, sid, resume, authToken } = this.config;
        const headers = { ...bearer(authToken), ...(resume?.token && { "X-Chain-Session": resume.token }) };
        const session = (!authToken && resume?.token) || undefined; // an EventSource has no other place for it
        const url = urlOf(endpoint, "/sse", "http", { ...params, sid, ...resumeParams(resume), session });
        const source = authToken ? new FetchedEvents(url, this.fetch, headers, this.credentials) : this.makeSource(url);
        this.target = endpoint;
        this.posts = this.makePosts(urlOf(endpoint, "/sse", "http", { sid }));
        source.onopen = () => this.opened();
        source.onmessage = (event: { data: string }) => this.emit("message", this, event.data);
        source.onerror = () => this.failed(source.readyState);
        this.source = source;
    }

    send(data: string, counted = true): void {
        this.posts?.add(data, counted);
    }

    close(code = 1000): void {
        const source = this.source;
        if (!source) return;
        this.source = undefined;
        source.onopen = source.onmessage = source.onerror = null;
        source.close();
        if (code === 1000) this.posts?.finish();
        else this.posts?.drop();
    }

    private readonly fetch: Fetch = (url, init) => (this.config.fetch ?? globalThis.fetch)(url, init);

    private get credentials(): RequestCredentials {
        return this.config.cors ? "include" : "same-origin";
    }

    private makeSource(url: string): EventSourceLike {
        const EventSourceClass = this.config.EventSource ?? globalThis.EventSource;
        if (!EventSourceClass) throw new Error("there is no EventSource here: give one in the option EventSource");
        return new EventSourceClass(url, { withCredentials: this.config.cors ?? false });
    }

    private makePosts(url: string): PostQueue {
        const { resume, authToken } = this.config;
        const post = (body: string, seq: number, init: RequestInit) => {
            const headers: Record<string, string> = { ...bearer(authToken), "Content-Type": "application/json" };
            if (resume?.token) headers["X-Chain-Session"] = resume.token;
            const target = resume ? `${url}&seq=${seq}&received=${resume.received}` : url;
            return this.fetch(target, { method: "POST", headers, credentials: this.credentials, body, ...init });
        };
        return new PostQueue(post, resume, () => this.end("the session is gone"));
    }

    private opened(): void {
        this.isOpen = true;
        this.emit("open", this);
    }

    /**
     * A stream that was open and broke is opened again by the EventSource; everything else is the client's to repeat. So is a
     * resume: the EventSource knows nothing of tokens.
     */
    private failed(readyState: number): void {
        const { resume } = this.config;
        if (!this.isOpen || readyState === 2 || (resume && !resume.isPlain)) return this.end("the event stream failed");
        this.isOpen = false;
        this.emit("interrupted", this, { code: 1006, reason: "the event stream broke" });
    }

    private end(reason: string): void {
        this.close(1006);
        this.emit("close", this, { code: 1006, reason });
    }
}

/** The transports by name. An application may add its own. */
export const Transports: { [name: string]: TransportConstructor } = {
    WebSocket: TransportWebSocket,
    SSE: TransportSSE,
};

function urlOf(endpoint: string, suffix: string, scheme: "ws" | "http", params: Params = {}): string {
    const url = new URL(endpoint, typeof location === "object" ? location.href : undefined);
    url.protocol = url.protocol.replace(/^(ws|http)/, scheme);
    url.pathname = url.pathname.replace(/\/+$/, "") + suffix;
    url.hash = "";
    for (const [key, value] of Object.entries(params)) {
        if (value !== undefined && value !== null) url.searchParams.set(key, String(value));
    }
    return url.href;
}

/**
 * The transports that a socket may use, the preferred one first, and the one that it uses: the next one when a connection
 * cannot be had, until one has opened. That one is remembered for the browser session. While a session waits to be resumed the
 * others are tried too.
 */
class TransportChoice {
    private readonly configs: TransportConfig[];
    private index: number;
    private failures = 0;
    private settled?: number;

    constructor(
        wanted: (string | TransportConfig)[],
        defaults: Partial<TransportConfig>,
        private readonly storage: Pick<Storage, "getItem" | "setItem">,
    ) {
        const configs = wanted.map((item) => ({ ...defaults, ...(typeof item === "string" ? { name: item } : item) }));
        const known = configs.filter(({ name }) => Transports[name]);
        const supported = known.filter((config) => Transports[config.name].isSupported?.(config) ?? true);
        this.configs = supported.length > 0 ? supported : known;
        if (known.length === 0) this.configs.push(this.unknown(configs));
        const remembered = storage.getItem("chain:transport");
        this.index = Math.max(this.configs.findIndex(({ name }) => name === remembered), 0);
    }

    current(): TransportConfig {
        return this.configs[this.index];
    }

    opened(): void {
        const isFirst = this.settled === undefined && this.configs.length > 1;
        if (isFirst) remember(this.storage, "chain:transport", this.current().name);
        this.settled ??= this.index;
        this.failures = 0;
    }

    /** The connection was lost: the transport that is known to work is tried first. */
    lost(): void {
        this.index = this.settled ?? this.index;
    }

    /** A transport did not open. One that was not even refused is not waited for a second time. */
    failed(timedOut: boolean, isResuming: boolean): void {
        if (this.settled !== undefined && !isResuming) return this.lost();
        if (++this.failures < FAILURES_PER_TRANSPORT && !timedOut) return;
        this.failures = 0;
        this.index = (this.index + 1) % this.configs.length;
    }

    private unknown(configs: TransportConfig[]): TransportConfig {
        const names = configs.map((config) => config.name).join(", ");
        console.warn(`chain: no transport named ${names}; the WebSocket is used`);
        return { ...configs[0], name: "WebSocket" };
    }
}

// ------------------------------------------------------------------------------------- connection

/** Why a connection, or a try to connect, ended. */
export interface CloseInfo {
    /** The close code, 1006 when there was none. */
    code: number;
    reason: string;
    /** Whether the client tries again by itself. */
    reconnecting: boolean;
}

function causeOf(cause: any): { code: number; reason: string } {
    const code = cause?.code; // exceptions have codes of their own
    return { code: code >= 1000 ? code : 1006, reason: String(cause?.reason ?? cause?.message ?? "") };
}

/** The endpoints that may be connected to, the preferred one first. */
class Nodes {
    private timer?: Timer;

    constructor(
        private list: string[],
        private readonly getNodes: SocketOptions["getNodes"],
        private readonly seconds: number,
        private readonly changed: () => void,
    ) {}

    first(): string | undefined {
        return this.list[0];
    }

    async pick(index: number): Promise<string> {
        if (this.list.length === 0) await this.fetch();
        if (this.list.length === 0) throw new Error("getNodes gave no endpoint");
        return this.list[index % this.list.length];
    }

    start(): void {
        if (this.getNodes) this.timer = setInterval(() => this.refresh(), Math.min(this.seconds * 1000, LONGEST_DELAY));
    }

    stop(): void {
        clearInterval(this.timer);
    }

    refresh(): void {
        this.fetch().catch((error) => log(SOCKET, "getNodes failed", error));
    }

    private async fetch(): Promise<void> {
        const list = await this.getNodes?.();
        if (!list?.length) return;
        this.list = list.slice();
        this.changed();
    }
}

/** What a link tells its socket. */
interface LinkListener {
    /** A connection is open; `previous` is the one that it takes over from, if that is still there. */
    up(transport: Transport, previous?: Transport): void;
    /** The open connection has ended. */
    down(info: CloseInfo): void;
    /** A connection, or a try to connect, failed. */
    failed(info: CloseInfo): void;
    /** A transport could not connect. */
    refused(timedOut: boolean): void;
    /** A frame came; `isOld` when it is over a connection that was given up for another node's. */
    frame(data: string, isOld: boolean): void;
}

interface LinkConfig {
    endpoint?: string;
    getNodes?: SocketOptions["getNodes"];
    getNodesInterval: number;
    reconnectInterval: number[];
    connectTimeout: number;
    dropAfter: number;
    /** `isMove`: there is an open connection, which the new one is to take over from. */
    create: (isMove: boolean) => Promise<Transport>;
}

/** Keeps one connection open as long as it is wanted: chooses the node, retries, moves to a better node. */
class Link {
    private wanted = false;
    private turn = 0; // of the newest try: what an older one still brings is ignored
    private failures = 0;
    private current?: Transport;
    private candidate?: Transport;
    private connectTimer?: Timer;
    private stableTimer?: Timer;
    private readonly retired = new Set<Transport>();
    private readonly nodes: Nodes;
    private readonly retry: Retry;

    constructor(private readonly config: LinkConfig, private readonly listener: LinkListener) {
        const fixed = config.endpoint === undefined ? [] : [config.endpoint];
        this.nodes = new Nodes(fixed, config.getNodes, config.getNodesInterval, () => this.prefer());
        this.retry = new Retry(() => this.attempt(), config.reconnectInterval);
    }

    isWanted(): boolean {
        return this.wanted;
    }

    isOpen(): boolean {
        return this.current !== undefined;
    }

    start(): void {
        if (this.wanted) return this.hasten();
        this.wanted = true;
        this.nodes.start();
        this.attempt();
    }

    /** Ends all connections for good; tells nobody. */
    stop(): void {
        const transports = [this.current, this.candidate, ...this.retired];
        this.wanted = false;
        this.failures = 0;
        this.turn++;
        this.current = this.candidate = undefined;
        this.retired.clear();
        this.nodes.stop();
        this.retry.reset();
        clearTimeout(this.connectTimer);
        clearTimeout(this.stableTimer);
        for (const transport of transports) transport?.close(1000);
    }

    /** Tries again now, if it waits for the next try; `patient`: unless the server asked it to wait. */
    hasten(patient = false): void {
        this.retry.hasten(patient);
    }

    send(data: string, counted: boolean): void {
        this.current?.send(data, counted);
    }

    /** Gives up the open connection because it does not work any more. */
    abandon(reason: string): void {
        const transport = this.current;
        if (!transport) return;
        this.lost({ code: 1006, reason });
        transport.close(4000, reason);
    }

    private async attempt(preferred?: string): Promise<void> {
        const turn = ++this.turn;
        clearTimeout(this.connectTimer);
        this.connectTimer = later(() => this.attemptFailed(new Error(TIMED_OUT)), this.config.connectTimeout);
        try {
            const endpoint = preferred ?? (await this.nodes.pick(this.failures));
            const transport = await this.config.create(this.current !== undefined);
            if (turn === this.turn) this.dial(transport, endpoint);
        } catch (error) {
            if (turn === this.turn) this.attemptFailed(error);
        }
    }

    private dial(transport: Transport, endpoint: string): void {
        log(SOCKET, "connecting to %s", endpoint);
        const older = this.candidate;
        this.candidate = transport;
        older?.close();
        transport.on("open", () => this.opened(transport));
        transport.on("message", (_, data) => this.received(transport, data));
        transport.on("close", (_, event) => this.ended(transport, event));
        transport.on("error", (_, error) => this.ended(transport, error));
        transport.on("interrupted", (_, cause) => this.interrupted(transport, cause));
        transport.connect(endpoint);
    }

    private opened(transport: Transport): void {
        if (transport !== this.candidate) return;
        const previous = this.current;
        this.candidate = undefined;
        this.current = transport;
        this.retry.cancel();
        clearTimeout(this.connectTimer);
        clearTimeout(this.stableTimer);
        this.stableTimer = later(() => this.stable(), STABLE_AFTER);
        if (previous) this.retire(previous);
        this.listener.up(transport, previous);
    }

    private stable(): void {
        this.stableTimer = undefined;
        this.failures = 0;
        this.retry.reset();
    }

    private received(transport: Transport, data: string): void {
        const isOld = transport !== this.current;
        if (!isOld || this.retired.has(transport)) this.listener.frame(data, isOld);
    }

    private ended(transport: Transport, cause: unknown): void {
        if (transport === this.candidate) this.attemptFailed(cause);
        else if (transport === this.current) this.lost(causeOf(cause));
        else if (!this.retired.delete(transport)) return;
        transport.close(); // one that ended with an error may still be there, and may come back by itself
    }

    /** The transport connects again by itself: until it has, it is as a new one. */
    private interrupted(transport: Transport, cause: { code: number; reason: string }): void {
        if (transport !== this.current || this.candidate) return this.ended(transport, cause);
        this.current = undefined;
        this.candidate = transport;
        this.turn++;
        clearTimeout(this.stableTimer);
        clearTimeout(this.connectTimer);
        this.connectTimer = later(() => this.attemptFailed(new Error(TIMED_OUT)), REOPEN_TIME);
        this.tellLoss({ ...cause, reconnecting: true });
    }

    /** The server restarts: the connection ends, and the next one comes after `delay` ms. */
    sentAway(delay: number): void {
        if (this.current) this.ended(this.current, { code: 1012, reason: `retry_after_ms: ${delay}` });
    }

    private attemptFailed(cause: unknown): void {
        const info = causeOf(cause);
        const transport = this.candidate;
        this.turn++;
        this.failures++;
        this.candidate = undefined;
        clearTimeout(this.connectTimer);
        transport?.close();
        log(SOCKET, "could not connect", info);
        if (transport) this.listener.refused(info.reason === TIMED_OUT);
        if (this.current) return; // only the move to a better node failed

        this.retry.retry(retryAfterClose(info.reason));
        this.nodes.refresh();
        this.listener.failed({ ...info, reconnecting: true });
    }

    private lost(cause: { code: number; reason: string }): void {
        const reconnecting = !FINAL_CODES.includes(cause.code);
        if (this.stableTimer) this.failures++;
        clearTimeout(this.stableTimer);
        this.current = undefined;
        if (reconnecting) this.retry.retry(retryAfterClose(cause.reason));
        else this.stop();

        this.tellLoss({ ...cause, reconnecting });
    }

    private tellLoss(info: CloseInfo): void {
        log(SOCKET, "connection lost", info);
        if (info.reconnecting) this.listener.failed(info);
        this.listener.down(info);
    }

    /** The old connection goes on for a while, so that nothing is missed until the new one has taken over. */
    private retire(transport: Transport): void {
        this.retired.add(transport);
        later(() => {
            if (this.retired.delete(transport)) transport.close(1000);
        }, this.config.dropAfter);
    }

    private prefer(): void {
        const best = this.nodes.first();
        if (this.current && !this.candidate && best !== this.current.endpoint()) this.attempt(best);
    }
}

// ----------------------------------------------------------------------------------------- socket

export interface SocketOptions {
    /**
     * The endpoints to choose from, the preferred one first: paths or URLs, without the transport's part (`/socket`,
     * `https://example.org/socket`). Not needed when the endpoint is the constructor's first argument.
     */
    getNodes?: () => Promise<string[]> | string[];
    /** Seconds between calls of `getNodes` while connected; 30. */
    getNodesInterval?: number;
    /**
     * The transports to use, by name or with their settings, the preferred one first: `["WebSocket", "SSE"]`. The next one is
     * tried when two tries to connect failed, or one got no answer; the one that opened is kept, unless a session is to be resumed.
     */
    transport?: (string | TransportConfig)[];
    /** Query parameters of each connection, or a function that gives them, called before each try to connect. */
    params?: Params | (() => Params | Promise<Params>);
    /**
     * Who the client is, for the server's connect handler: a token, or a function that gives one, called before each try to
     * connect. It stands in no URL: the WebSocket offers it as a subprotocol, and SSE, whose stream is then read with `fetch`,
     * sends it in the header `Authorization: Bearer`, for which it has to be of characters that may stand there.
     */
    authToken?: string | (() => string | undefined | Promise<string | undefined>);
    /** Milliseconds after which a push or a join that got no answer says `timeout`; 30000. */
    timeout?: number;
    /** Milliseconds between tries to join a channel again; [1000, 2000, 5000, 10000]. */
    rejoinInterval?: number[];
    /** Milliseconds between tries to connect; [500, 1000, 2000, 5000, 10000]. */
    reconnectInterval?: number[];
    /** Milliseconds after which a try to connect is given up; 10000. */
    connectTimeout?: number;
    /** Milliseconds between questions for a sign of life, 0 for none; 30000. */
    heartbeatInterval?: number;
    /** Milliseconds that the answer may take before the client connects anew; 10000. */
    heartbeatTimeout?: number;
    /** Milliseconds after which a socket without channels disconnects, `Infinity` for never; 5000. */
    disconnectIdleTimeout?: number;
    /** Milliseconds that the connection to the old node is kept after a move to another; 5000. */
    dropNodeConnectionAfter?: number;
    /** Whether a session outlives its connections where the server can do that, so that nothing is lost; true. */
    resume?: boolean;
    /**
     * Called when the server says that it lets this client go on for only so many milliseconds more. What it returns, or the
     * promise gives, is shown to the server as the new token; when it throws, nothing is.
     */
    refresh?: (expiresIn: number) => unknown;
    /** Whether a message was seen before and is to be dropped (see `History`). Not asked about replies and reserved events. */
    duplicated?: (message: Message) => boolean;
    /** Where the id of the browser tab, and the transport that works, are kept; `window.sessionStorage`. */
    sessionStorage?: Pick<Storage, "getItem" | "setItem">;
    /** The WebSocket class, where there is no global one (Node.js before 22). */
    WebSocket?: WebSocketConstructor;
    /** The EventSource class, where there is no global one (Node.js). It and `fetch` must keep the server's cookies. */
    EventSource?: EventSourceConstructor;
    /** What is used in place of the global `fetch`. */
    fetch?: Fetch;
}

export interface SocketEvents {
    /** A connection is open. */
    open: [transport: Transport];
    /** The open connection has ended. */
    close: [info: CloseInfo];
    /** A connection, or a try to connect, failed; the client tries again. */
    error: [info: CloseInfo];
    /** The server wants a new token within so many milliseconds, as its authorisation expires then; see `refresh`. */
    expiring: [expiresIn: number];
    /** The new token was taken, or refused with `{reason}`. */
    refreshed: [status: "ok" | "error", response: any];
    /** A message arrived. */
    message: [message: Message];
    /** A message was dropped because `duplicated` said so. */
    "message:duplicated": [message: Message];
}

function sessionStorageOrMemory(): Pick<Storage, "getItem" | "setItem"> {
    try {
        if (globalThis.sessionStorage) return globalThis.sessionStorage;
    } catch {
        // a page without storage rights: the id then lives as long as the page
    }
    const memory = new Map<string, string>();
    return { getItem: (key) => memory.get(key) ?? null, setItem: (key, value) => void memory.set(key, value) };
}

/** Storage may be full, or forbidden: what is not remembered then costs no connection. */
function remember(storage: Pick<Storage, "setItem">, key: string, value: string): void {
    try {
        storage.setItem(key, value);
    } catch (error) {
        log(SOCKET, "%s is not remembered", key, error);
    }
}

function randomId(): string {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * The id of a browser tab, kept for when the page is loaded again. Each socket of a page has its own. A duplicated tab gets a
 * copy of the storage: an id is in there only while no page uses it, so that the copy gets an id of its own.
 */
class TabId {
    private static readonly keysInUse = new WeakMap<object, Set<string>>();
    private id = "";
    private key = "";
    private readonly leave = () => remember(this.storage, this.key, this.id);
    private readonly enter = () => remember(this.storage, this.key, "");

    constructor(private readonly storage: Pick<Storage, "getItem" | "setItem">) {}

    take(): string {
        if (this.id) return this.id;
        this.key = this.freeKey();
        this.id = this.storage.getItem(this.key) || randomId();
        this.leave();
        if (typeof window === "undefined") return this.id;

        this.enter();
        window.addEventListener("pagehide", this.leave);
        window.addEventListener("pageshow", this.enter);
        return this.id;
    }

    /** The next one is new: who disconnects may come back as somebody else, and must not find the old session. */
    forget(): void {
        if (!this.id) return;
        this.id = "";
        this.leave();
        TabId.keysInUse.get(this.storage)?.delete(this.key);
        if (typeof window === "undefined") return;
        window.removeEventListener("pagehide", this.leave);
        window.removeEventListener("pageshow", this.enter);
    }

    private freeKey(): string {
        const inUse = TabId.keysInUse.get(this.storage) ?? new Set();
        let key = "chain:sid";
        for (let count = 2; inUse.has(key); count++) key = `chain:sid${count}`;
        TabId.keysInUse.set(this.storage, inUse.add(key));
        return key;
    }
}

/** The client's side of a session: one connection that is kept open, and the channels over it. */
export class Socket extends Events<SocketEvents> {
    private ref = 0;
    private channels: Channel[] = [];
    private idleTimer?: Timer;
    private sendBuffer: Waiting[] = [];
    private transports?: TransportChoice;
    private session = new ResumeState();
    private isUp = false; // whether the listeners know of an open connection
    private verdict?: Timer; // runs while the server has not said whether the session goes on
    private windowTimer?: Timer;
    private transport?: Transport;
    private ackTimer?: Timer;
    private readonly sessions = new WeakMap<Transport, ResumeState>();
    private readonly pending = new Map<number, Push>(); // sent and not answered, by ref
    private readonly options: SocketOptions;
    private readonly storage: Pick<Storage, "getItem" | "setItem">;
    private readonly tab: TabId;
    private readonly link: Link;
    private readonly heartbeat: Heartbeat;
    private readonly asides = new Map<number, string | undefined>(); // what was asked on the protocol's own topic, by ref
    private readonly wakeUp = new WakeUp(() => this.onWakeUp());

    /** `endpoint` is a path or a URL, `/socket` when neither it nor `getNodes` is given. Nothing connects yet. */
    constructor(endpoint: string, options?: SocketOptions);
    constructor(options?: SocketOptions);
    constructor(endpointOrOptions: string | SocketOptions = {}, more: SocketOptions = {}) {
        super();
        const named = typeof endpointOrOptions === "string";
        this.options = named ? more : endpointOrOptions;
        this.storage = this.options.sessionStorage ?? sessionStorageOrMemory();
        this.tab = new TabId(this.storage);
        this.link = this.makeLink(named ? endpointOrOptions : this.options.getNodes ? undefined : "/socket");
        this.heartbeat = new Heartbeat(
            this.options.heartbeatInterval ?? 30_000,
            this.options.heartbeatTimeout ?? 10_000,
            () => this.sendHeartbeat(),
            () => this.link.abandon("no answer to the heartbeat"),
        );
    }

    /** Connects and keeps connected until `disconnect`; called while it waits to reconnect, it tries at once. */
    connect(): void {
        this.wakeUp.start();
        this.link.start();
    }

    /** Closes the connection. Channels stay and join again after the next `connect`. */
    disconnect(): void {
        const wasAlive = this.isAlive();
        clearTimeout(this.idleTimer);
        this.link.stop();
        if (wasAlive) this.onDown({ code: 1000, reason: "", reconnecting: false });
        this.wakeUp.stop();
        this.session.forget(); // also one whose window is over: who comes back may be somebody else
        this.tab.forget();
    }

    isConnected(): boolean {
        return this.link.isOpen() && this.verdict === undefined;
    }

    /** @internal Whether the server has the session, or may have it. */
    isAlive(): boolean {
        return this.link.isOpen() || this.windowTimer !== undefined;
    }

    /** A new channel for the topic; connects when needed. `params` (or what the function returns) goes with each join. */
    channel(topic: string, params: any = {}, options: ChannelOptions = {}): Channel {
        const channel = new Channel(topic, params, this, options);
        this.add(channel);
        return channel;
    }

    /** Leaves the topic's channel, if there is one. */
    leave(topic: string): void {
        for (const channel of this.channels) {
            if (channel.getTopic() === topic && !channel.isClosed()) channel.leave();
        }
    }

    /** Sends a message of the application's own making; while not connected it is kept until there is a connection. */
    push(message: Partial<Message>): void {
        log(SOCKET, "push %s %s (%s, %s)", message.topic, message.event, message.joinRef, message.ref, message.payload);
        const waiting = { frame: encode(message), counted: message.topic !== CHAIN_TOPIC };
        if (!waiting.counted && message.ref) this.asides.set(message.ref, message.event);
        if (this.isConnected()) this.transmit(waiting);
        else this.sendBuffer.push(waiting);
    }

    /** @internal Sends a frame over a connection that was given up for another node's, and counts it in that one's session. */
    sendOver(transport: Transport, frame: string): void {
        this.sessions.get(transport)?.keep(frame);
        transport.send(frame, true);
    }

    /** A ref that this socket has not used yet. */
    nextRef(): number {
        this.ref = this.ref >= Number.MAX_SAFE_INTEGER ? 1 : this.ref + 1;
        return this.ref;
    }

    getTimeout(): number {
        return this.options.timeout ?? 30_000;
    }

    getRejoinInterval(): number[] {
        return this.options.rejoinInterval ?? [1000, 2000, 5000, 10_000];
    }

    getSession(key: string): string | null {
        return this.storage.getItem(key);
    }

    storeSession(key: string, value: string): void {
        this.storage.setItem(key, value);
    }

    /** @internal */
    add(channel: Channel): void {
        clearTimeout(this.idleTimer);
        if (!this.channels.includes(channel)) this.channels.push(channel);
        if (!this.link.isWanted()) this.connect();
    }

    /** @internal */
    remove(channel: Channel): void {
        this.channels = this.channels.filter((other) => other !== channel);
        if (this.channels.length === 0) this.disconnectWhenIdle();
    }

    /** @internal */
    expectReply(push: Push): void {
        this.pending.set(push.getRef(), push);
    }

    /** @internal */
    forgetReply(push: Push): void {
        if (this.pending.get(push.getRef()) === push) this.pending.delete(push.getRef());
    }

    private makeLink(endpoint: string | undefined): Link {
        const { options } = this;
        const config: LinkConfig = {
            endpoint,
            getNodes: options.getNodes,
            getNodesInterval: options.getNodesInterval ?? 30,
            reconnectInterval: options.reconnectInterval ?? [500, 1000, 2000, 5000, 10_000],
            connectTimeout: options.connectTimeout ?? 10_000,
            dropAfter: options.dropNodeConnectionAfter ?? 5000,
            create: (isMove) => this.createTransport(isMove),
        };
        return new Link(config, {
            up: (transport, previous) => this.onUp(transport, previous),
            down: (info) => this.onDown(info),
            failed: (info) => this.emit("error", info),
            refused: (timedOut) => this.transports?.failed(timedOut, this.session.token !== ""),
            frame: (data, isOld) => this.onFrame(data, isOld),
        });
    }

    private async createTransport(isMove: boolean): Promise<Transport> {
        const { params, authToken } = this.options;
        const config = (this.transports ??= this.makeChoice()).current();
        const own = typeof params === "function" ? await params() : params;
        const token = (typeof authToken === "function" ? await authToken() : authToken) ?? config.authToken;
        const sid = config.sid ?? this.tab.take();
        const session = isMove ? new ResumeState() : this.session; // another node does not know the session
        const resume = (this.options.resume ?? true) ? session.prepare() : undefined;
        const transport = new Transports[config.name]({ ...config, sid, resume, authToken: token, params: { ...config.params, ...own } });
        this.sessions.set(transport, session);
        return transport;
    }

    private makeChoice(): TransportChoice {
        const { transport = ["WebSocket", "SSE"], WebSocket, EventSource, fetch, authToken } = this.options;
        const token = authToken === undefined ? undefined : ""; // there will be one for each connection
        return new TransportChoice(transport, { WebSocket, EventSource, fetch, authToken: token }, this.storage);
    }

    private disconnectWhenIdle(): void {
        const delay = this.options.disconnectIdleTimeout ?? 5000;
        clearTimeout(this.idleTimer);
        if (delay <= LONGEST_DELAY) this.idleTimer = later(() => this.disconnect(), delay);
    }

    private onUp(transport: Transport, previous?: Transport): void {
        log(SOCKET, "connected to %s", transport.endpoint());
        this.transports?.opened();
        this.stopWindow();
        clearTimeout(this.ackTimer);
        this.session = this.sessions.get(transport) ?? new ResumeState();
        this.transport = transport;
        if (this.session.token) return this.awaitVerdict();
        this.session.forget();
        this.begin(previous);
    }

    /** The server says first whether the session goes on. One that says nothing does not know how. */
    private awaitVerdict(): void {
        const silent = () => {
            this.session.forget();
            this.link.abandon("no answer to the resume");
        };
        this.verdict = later(silent, this.options.connectTimeout ?? 10_000);
    }

    private settleVerdict(): boolean {
        const awaited = this.verdict !== undefined;
        clearTimeout(this.verdict);
        this.verdict = undefined;
        return awaited;
    }

    /** A session begins: the channels join. */
    private begin(previous?: Transport): void {
        this.startHeartbeat();
        for (const channel of this.channels.slice()) guarded(() => channel.onConnected(previous));
        this.opened();
    }

    /** The session goes on: what the server has not received is sent again. */
    private goOn(): void {
        log(SOCKET, "session resumed");
        this.startHeartbeat();
        for (const frame of this.session.unconfirmed()) this.link.send(frame, true);
        this.flush();
        for (const channel of this.channels.slice()) guarded(() => channel.onResumed());
        this.opened();
    }

    /** The session has ended with its connection: another one begins. */
    private beginAnew(): void {
        for (const channel of this.channels.slice()) channel.onDisconnected();
        this.begin();
    }

    private opened(): void {
        this.flush();
        this.isUp = true;
        this.emit("open", this.transport);
    }

    private startHeartbeat(): void {
        if (this.transport?.heartbeat) this.heartbeat.start();
        else this.heartbeat.stop();
    }

    private flush(): void {
        for (const waiting of this.sendBuffer.splice(0)) this.transmit(waiting);
    }

    private transmit({ frame, counted }: Waiting): void {
        if (counted) this.session.keep(frame);
        this.link.send(frame, counted);
    }

    private onDown(info: CloseInfo): void {
        this.heartbeat.stop();
        this.asides.clear(); // their answers are not sent again
        this.transports?.lost();
        clearTimeout(this.ackTimer);
        this.settleVerdict();
        if (!info.reconnecting) this.wakeUp.stop();
        if (info.reconnecting && this.session.token) this.awaitReturn();
        else this.endSession();
        const wasUp = this.isUp;
        this.isUp = false;
        if (wasUp) this.emit("close", info);
    }

    /** The server keeps the session for a while: so long the channels stay joined. */
    private awaitReturn(): void {
        const over = () => {
            this.windowTimer = undefined;
            for (const channel of this.channels.slice()) channel.onDisconnected();
        };
        this.windowTimer ??= later(over, this.session.window);
    }

    private stopWindow(): void {
        clearTimeout(this.windowTimer);
        this.windowTimer = undefined;
    }

    private endSession(): void {
        this.stopWindow();
        this.session.forget();
        for (const channel of this.channels.slice()) channel.onDisconnected();
    }

    private onWakeUp(): void {
        if (this.isConnected()) this.heartbeat.beat();
        else this.link.hasten(true);
    }

    private sendHeartbeat(): number {
        const ref = this.nextRef();
        this.push({ ref, topic: CHAIN_TOPIC, event: "_heartbeat", payload: null });
        return ref;
    }

    private async refresh(expiresIn: number): Promise<void> {
        guarded(() => this.emit("expiring", expiresIn));
        if (!this.options.refresh) return;
        try {
            const payload = await this.options.refresh(expiresIn);
            if (!this.isConnected()) return; // the server asks again over the next connection
            this.push({ ref: this.nextRef(), topic: CHAIN_TOPIC, event: "_refresh", payload });
        } catch (error) {
            report(error);
        }
    }

    /** Whether it answers what was asked on the protocol's own topic: such a reply is not counted. */
    private isAside({ kind, ref, payload }: Message): boolean {
        if (kind !== MessageKindEnum.REPLY || !this.asides.has(ref)) return false;
        const asked = this.asides.get(ref);
        this.asides.delete(ref);
        this.heartbeat.answered(ref);
        if (asked === "_refresh") this.emit("refreshed", payload.status, payload.response);
        return true;
    }

    private onFrame(data: string, isOld: boolean): void {
        let message: Message;
        try {
            message = decode(data);
        } catch (error) {
            return log(SOCKET, "frame ignored", error);
        }
        if (isOld) return this.onMessage(message);
        if (message.topic === CHAIN_TOPIC && message.event === "_session") return this.onSession(message.payload);
        if (message.topic === CHAIN_TOPIC && message.event === "_restart") return this.link.sentAway(retryAfter(message.payload));
        if (this.settleVerdict()) {
            this.session.forget();
            this.beginAnew();
        }
        if (message.kind === MessageKindEnum.ACK) this.session.confirm(message.payload);
        const isAside = this.isAside(message);
        if (message.topic === CHAIN_TOPIC && message.event === "_expiring")
            void this.refresh(Number(message.payload?.expires_in_ms) || 0);
        if (message.kind === MessageKindEnum.ACK || message.topic === CHAIN_TOPIC || isAside) return;
        this.count();
        this.onMessage(message);
    }

    private onSession(info: SessionInfo): void {
        const awaited = this.settleVerdict();
        if (awaited && !info.resumed) this.session.forget();
        if (!this.session.adopt(info) || (info.resumed && !awaited)) {
            this.session.forget();
            this.link.abandon("the session cannot go on");
        } else if (awaited && info.resumed) {
            this.goOn();
        } else if (awaited) {
            log(SOCKET, "session not resumed: %s", info.reason);
            this.beginAnew();
        }
    }

    /** Counts a frame of the server, and acknowledges what has arrived, now or soon. */
    private count(): void {
        const owed = this.session.take();
        if (!this.transport?.acks) return;
        if (owed >= FRAMES_PER_ACK) this.acknowledge();
        else if (owed === 1) this.ackTimer = later(() => this.acknowledge(), ACK_AFTER);
    }

    private acknowledge(): void {
        clearTimeout(this.ackTimer);
        const ack = this.isConnected() ? this.session.acknowledge() : undefined;
        if (ack) this.link.send(ack, false);
    }

    private onMessage(message: Message): void {
        const { topic, kind, event, joinRef, ref, payload } = message;
        const isReply = kind === MessageKindEnum.REPLY;
        if (kind === MessageKindEnum.ACK || topic === CHAIN_TOPIC) return;
        log(SOCKET, "receive %s %s (%s, %s)", topic ?? "", event, joinRef, ref, payload);
        if (this.isDuplicate(message)) return this.emit("message:duplicated", message);

        if (isReply) guarded(() => this.pending.get(ref)?.onReply(message));
        else for (const channel of this.channels.slice()) guarded(() => channel.onFrame(message));
        this.emit("message", message);
    }

    private isDuplicate(message: Message): boolean {
        if (!this.options.duplicated || message.event.startsWith("_")) return false;
        try {
            return this.options.duplicated(message);
        } catch (error) {
            report(error);
            return false;
        }
    }
}

// ---------------------------------------------------------------------------------------- channel

export interface ChannelOptions {
    /**
     * Sees each message of the channel before its listeners do, replies too (event `_reply`, payload `{status, response}`),
     * and returns the payload, changed or not.
     */
    onMessage?: (event: string, payload: any, ref?: number, joinRef?: number) => any;
}

/** The listeners of other events get `(payload, ref, joinRef)`. A server's event of one of these names is heard with them. */
export interface ChannelEvents {
    /** Joined, or joined again; the same as `join:ok`. */
    ok: [response: any];
    /** The join was refused and is tried again, unless the listener leaves; the same as `join:error`. */
    error: [response: any];
    /** The join got no answer in time and is tried again; the same as `join:timeout`. */
    timeout: [];
    "join:ok": [response: any];
    "join:error": [response: any];
    "join:timeout": [];
}

enum ChannelState {
    closed,
    errored,
    joined,
    joining,
    leaving,
}

/** One topic, made by `Socket.channel`. */
export class Channel extends Events<ChannelEvents> {
    private state = ChannelState.closed;
    private joinedOnce = false;
    private timeout: number;
    private pushBuffer: Push[] = [];
    private leavePush?: Push;
    private leaveOld?: () => void; // ends the membership on the node that the socket has moved away from
    private readonly joinPush: Push;
    private readonly rejoinRetry: Retry;

    /** @internal */
    constructor(
        private readonly topic: string,
        params: any,
        private readonly socket: Socket,
        private readonly options: ChannelOptions,
    ) {
        super();
        if (/[,*]/.test(topic)) throw new Error("commas and asterisks are not allowed in a topic");

        this.timeout = socket.getTimeout();
        this.rejoinRetry = new Retry(() => this.rejoin(), socket.getRejoinInterval());
        this.joinPush = new Push(socket, this, "_join", params, this.timeout)
            .on("ok", (response) => this.onJoined(response))
            .on("error", (response) => this.onRefused(response))
            .on("timeout", () => this.onJoinTimeout());
    }

    getTopic(): string {
        return this.topic;
    }

    /** The ref of the newest join. */
    getJoinRef(): number {
        return this.joinPush.getRef();
    }

    /**
     * Joins, and joins again after each failure until `leave`. Listen with `on("ok" | "error" | "timeout", ...)`.
     * Another channel of this socket with the same topic is left. Throws when the channel is joined or joining already.
     */
    join(timeout = this.timeout): this {
        if (this.isLeaving()) this.close("leave");
        if (this.joinedOnce && !this.isClosed()) throw new Error(`"${this.topic}" is joined already: join is called once`);

        this.joinedOnce = true;
        this.timeout = timeout;
        this.socket.add(this);
        this.socket.leave(this.topic); // two channels of one topic would end each other's membership
        this.rejoin();
        return this;
    }

    /** Ends the membership. `ok` when the server has confirmed, or when there was nothing to confirm. */
    leave(timeout = this.timeout): Push {
        if (this.leavePush && this.isLeaving()) return this.leavePush;
        const push = this.makeLeavePush(timeout);
        const known = this.socket.isAlive() && (this.isJoined() || this.isJoining());
        if (!this.isClosed() || !this.joinedOnce) this.state = ChannelState.leaving;
        this.leavePush = push;
        this.rejoinRetry.reset();
        this.joinPush.cancel();
        if (known) push.send();
        else queueMicrotask(() => push.settle("ok", {}));
        return push;
    }

    /** Sends an event; before the channel is joined it is kept, but not past its timeout. */
    push(event: string, payload: any = {}, timeout = this.timeout): Push {
        if (event.includes(",")) throw new Error("commas are not allowed in an event");
        if (!this.joinedOnce) throw new Error(`"${event}" was pushed to "${this.topic}" before join was called`);

        const push = new Push(this.socket, this, event, payload ?? {}, timeout);
        if (this.canPush()) {
            push.send();
        } else {
            push.startTimeout();
            this.pushBuffer.push(push);
            push.on("timeout", () => this.unbuffer(push));
        }
        return push;
    }

    /** Whether a push is sent at once. */
    canPush(): boolean {
        return this.socket.isConnected() && this.isJoined();
    }

    /** Calls back when the channel is closed, by `leave` or by the server. Returns a function that ends this. */
    onClose(callback: (reason: any, ref?: number, joinRef?: number) => void): () => void {
        this.on("_close", callback);
        return () => void this.off("_close", callback);
    }

    /** Calls back when the channel fails on the server; it joins again by itself. Returns a function that ends this. */
    onError(callback: (reason: any, ref?: number, joinRef?: number) => void): () => void {
        this.on("_error", callback);
        return () => void this.off("_error", callback);
    }

    isClosed(): boolean {
        return this.state === ChannelState.closed;
    }

    isErrored(): boolean {
        return this.state === ChannelState.errored;
    }

    isJoined(): boolean {
        return this.state === ChannelState.joined;
    }

    isJoining(): boolean {
        return this.state === ChannelState.joining;
    }

    isLeaving(): boolean {
        return this.state === ChannelState.leaving;
    }

    /** @internal */
    onConnected(previous?: Transport): void {
        if (this.isClosed() || this.isLeaving()) return;
        if (previous && this.isJoined()) this.leaveOld = this.leaveOn(previous);
        this.rejoinRetry.reset();
        this.rejoin();
    }

    /** @internal The session goes on, and this channel's membership with it. */
    onResumed(): void {
        if (this.isErrored()) this.retryJoin();
        else if (this.isJoining() && !this.joinPush.isSent()) this.joinPush.send();
        else if (this.isJoined()) for (const push of this.pushBuffer.splice(0)) push.send();
    }

    /** @internal */
    onDisconnected(): void {
        this.rejoinRetry.reset();
        this.leaveOld = undefined;
        if (this.isJoined() || this.isJoining()) this.state = ChannelState.errored;
        if (this.isLeaving()) this.leavePush?.settle("ok", {}); // the connection's end ends the membership
    }

    /** @internal */
    onFrame({ topic, event, payload, ref, joinRef }: Message): void {
        if (topic !== this.topic || (joinRef && joinRef !== this.getJoinRef())) return;
        if (this.isClosed() || (this.isLeaving() && event !== "_close")) return;

        if (event === "_close" || event === "_error") return this.onEnded(event, payload, ref, joinRef);
        this.emit(event, this.hook(event, payload, ref, joinRef), ref, joinRef || this.getJoinRef());
    }

    /** The server has ended the membership, whatever the application's hook makes of it. */
    private onEnded(event: string, payload: any, ref: number, joinRef: number): void {
        let seen = payload;
        guarded(() => (seen = this.hook(event, payload, ref, joinRef)));
        if (event === "_close") this.close(seen);
        else this.fail(seen);
    }

    /** @internal */
    onReply(push: Push, { payload, ref, joinRef }: Message): void {
        const reply = this.hook("_reply", payload, ref, joinRef);
        push.settle(reply.status, reply.response);
        this.emit(`chan_reply_${ref}`, reply, ref, joinRef);

        const forgotten = reply.status === "error" && reply.response?.reason === "unmatched topic";
        if (forgotten && this.isJoined()) this.fail(reply.response);
    }

    private rejoin(): void {
        this.state = ChannelState.joining;
        this.joinPush.reset(this.timeout);
        this.joinPush.startTimeout();
        if (this.socket.isConnected()) this.joinPush.send();
    }

    private unbuffer(push: Push): void {
        this.pushBuffer = this.pushBuffer.filter((other) => other !== push);
    }

    private retryJoin(atLeast = 0): void {
        this.state = ChannelState.errored;
        if (this.socket.isConnected()) this.rejoinRetry.retry(atLeast);
    }

    private onJoined(response: any): void {
        this.state = ChannelState.joined;
        this.rejoinRetry.reset();
        this.leaveOld?.();
        this.leaveOld = undefined;
        for (const push of this.pushBuffer.splice(0)) push.send();
        this.emit("join:ok", response);
        this.emit("ok", response);
    }

    private onRefused(response: any): void {
        this.retryJoin(retryAfter(response));
        this.emit("join:error", response);
        this.emit("error", response);
    }

    /** The server may have joined all the same: it is told to forget that. */
    private onJoinTimeout(): void {
        log(CHANNEL, "join of %s timed out", this.topic);
        if (this.socket.isAlive()) this.socket.push(this.leaveMessage());
        this.retryJoin();
        this.emit("join:timeout");
        this.emit("timeout");
    }

    private fail(reason: any): void {
        log(CHANNEL, "error %s", this.topic, reason);
        this.joinPush.cancel();
        this.retryJoin();
        this.emit("_error", reason, 0, this.getJoinRef());
    }

    private close(reason: any): void {
        if (this.isClosed()) return;
        log(CHANNEL, "close %s", this.topic, reason);
        this.state = ChannelState.closed;
        this.rejoinRetry.reset();
        this.joinPush.cancel();
        this.pushBuffer = [];
        this.socket.remove(this);
        this.emit("_close", reason, 0, this.getJoinRef());
    }

    private makeLeavePush(timeout: number): Push {
        const push: Push = new Push(this.socket, this, "_leave", {}, timeout);
        const left = () => {
            if (this.isLeaving() && this.leavePush === push) this.close("leave");
        };
        return push.on("ok", left).on("error", left).on("timeout", left);
    }

    private leaveMessage(): Partial<Message> {
        return { ref: this.socket.nextRef(), joinRef: this.getJoinRef(), topic: this.topic, event: "_leave", payload: {} };
    }

    private leaveOn(transport: Transport): () => void {
        const frame = encode(this.leaveMessage());
        return () => this.socket.sendOver(transport, frame);
    }

    private hook(event: string, payload: any, ref: number, joinRef: number): any {
        if (!this.options.onMessage) return payload;
        const seen = this.options.onMessage(event, payload, ref, joinRef);
        if (seen === undefined && payload !== null) throw new Error("onMessage must return the payload, changed or not");
        return seen;
    }
}

// ------------------------------------------------------------------------------------------- push

export interface PushEvents {
    ok: [response: any];
    error: [response: any];
    timeout: [response: any];
}

/** One message to the server, and its answer. */
export class Push {
    private ref: number;
    private joinRef = 0;
    private timer?: Timer;
    private sent = false;
    private received?: { status: string; response: any };
    private readonly events = new Events<PushEvents>();

    /** @internal `payload` may be a function, called for each sending. */
    constructor(
        private readonly socket: Socket,
        private readonly channel: Channel,
        private readonly event: string,
        private readonly payload: any,
        private timeout: number,
    ) {
        this.ref = socket.nextRef();
    }

    getRef(): number {
        return this.ref;
    }

    getTimeout(): number {
        return this.timeout;
    }

    /** Calls back with the answer (`ok`, `error`), or when none came in time (`timeout`); also when that is past. */
    on<K extends keyof PushEvents>(status: K, callback: (response: any) => void): this {
        const { received } = this;
        if (received?.status === status) queueMicrotask(() => guarded(() => callback(received.response)));
        else this.events.on(status, callback);
        return this;
    }

    /** Sends the message. */
    send(): void {
        const { ref, event, payload, channel } = this;
        this.startTimeout();
        this.sent = true;
        this.joinRef = channel.getJoinRef();
        this.socket.expectReply(this);
        const body = typeof payload === "function" ? payload() : payload;
        this.socket.push({ ref, joinRef: this.joinRef, topic: channel.getTopic(), event, payload: body });
    }

    /** Sends the message anew, as another message. */
    resend(timeout = this.timeout): void {
        this.reset(timeout);
        this.send();
    }

    /** @internal */
    reset(timeout: number): void {
        this.cancel();
        this.received = undefined;
        this.sent = false;
        this.timeout = timeout;
        this.ref = this.socket.nextRef();
    }

    /** @internal Whether it was sent, or is about to be. */
    isSent(): boolean {
        return this.sent;
    }

    /** @internal */
    startTimeout(): void {
        this.timer ??= later(() => this.settle("timeout", {}), this.timeout);
    }

    /** @internal Waits for no answer any more. */
    cancel(): void {
        clearTimeout(this.timer);
        this.timer = undefined;
        this.socket.forgetReply(this);
    }

    /** @internal */
    onReply(message: Message): void {
        if (message.joinRef === this.joinRef) this.channel.onReply(this, message);
    }

    /** @internal */
    settle(status: string, response: any): void {
        this.cancel();
        this.received = { status, response };
        this.events.emit(status, response);
    }
}

// --------------------------------------------------------------------------------------- presence

/** One tab or device that is there under a key; `phx_ref` tells it from all others. */
export interface PresenceMeta {
    phx_ref: string;
    /** The meta that this one replaces. */
    phx_ref_prev?: string;
    [name: string]: any;
}

/** What is known of one key; the server may add more than the metas. */
export interface PresenceEntry {
    metas: PresenceMeta[];
    [name: string]: any;
}

export type PresenceState = { [key: string]: PresenceEntry };

export interface PresenceDiff {
    joins: PresenceState;
    leaves: PresenceState;
}

/** `current` is what was known of the key, nothing for a new one; `joined` has the new metas only. */
export type PresenceJoin = (key: string, current: PresenceEntry | undefined, joined: PresenceEntry) => void;
/** `current` is what remains of the key, without metas when it is gone; `left` has the metas that left. */
export type PresenceLeave = (key: string, current: PresenceEntry, left: PresenceEntry) => void;

export interface PresenceOptions {
    /** The names of the server's events: `presence_state` and `presence_diff` unless it names them otherwise. */
    events?: { state: string; diff: string };
}

const has = (state: PresenceState, key: string) => Object.prototype.hasOwnProperty.call(state, key);
const presenceOf = (state: PresenceState, key: string) => (has(state, key) ? state[key] : undefined);
const clone = <T>(value: T): T => JSON.parse(JSON.stringify(value));

/** Sets a key whatever its name; `__proto__` is one like others. */
function put(state: PresenceState, key: string, value: PresenceEntry): void {
    Object.defineProperty(state, key, { value, configurable: true, enumerable: true, writable: true });
}

/** The metas that are not among the others. */
function without(metas: PresenceMeta[], others: PresenceMeta[]): PresenceMeta[] {
    const refs = new Set(others.map((meta) => meta.phx_ref));
    return metas.filter((meta) => !refs.has(meta.phx_ref));
}

/**
 * Who is in a channel's topic, kept current from what the server sends:
 *
 *     const presence = new chain.Presence(channel);
 *     presence.onSync(() => show(presence.list((name, { metas }) => `${name} (${metas.length})`)));
 *     channel.join();
 */
export class Presence {
    state: PresenceState = {};
    private pendingDiffs: PresenceDiff[] = [];
    private joinRef?: number;
    private joined: PresenceJoin = () => undefined;
    private left: PresenceLeave = () => undefined;
    private synced: () => void = () => undefined;

    constructor(readonly channel: Channel, { events }: PresenceOptions = {}) {
        const { state, diff } = events ?? { state: "presence_state", diff: "presence_diff" };
        channel.on(state, (next: PresenceState) => this.onState(next));
        channel.on(diff, (next: PresenceDiff) => this.onDiff(next));
        channel.on("join:ok", () => (this.pendingDiffs = [])); // what came before is of an earlier membership
    }

    /** Calls back for each key that comes, or that comes once more. */
    onJoin(callback: PresenceJoin): void {
        this.joined = callback;
    }

    /** Calls back for each key that goes, or that goes once. */
    onLeave(callback: PresenceLeave): void {
        this.left = callback;
    }

    /** Calls back when all of a message of the server was taken in. */
    onSync(callback: () => void): void {
        this.synced = callback;
    }

    /** All presences, or what `chooser` makes of each. */
    list(): PresenceEntry[];
    list<T>(chooser: (key: string, presence: PresenceEntry) => T): T[];
    list(chooser?: (key: string, presence: PresenceEntry) => unknown): unknown[] {
        return Presence.list(this.state, chooser);
    }

    /** Whether the state of the current membership has not come yet. */
    inPendingSyncState(): boolean {
        return !this.joinRef || this.joinRef !== this.channel.getJoinRef();
    }

    /** A copy of `current` that was brought to `next`, after the callbacks for each difference. */
    static syncState(current: PresenceState, next: PresenceState, onJoin?: PresenceJoin, onLeave?: PresenceLeave): PresenceState {
        const joins: PresenceState = {};
        const leaves: PresenceState = {};
        for (const key of Object.keys(current)) {
            const metas = without(current[key].metas, presenceOf(next, key)?.metas ?? []);
            if (metas.length > 0 || !has(next, key)) put(leaves, key, { ...current[key], metas });
        }
        for (const key of Object.keys(next)) {
            const metas = without(next[key].metas, presenceOf(current, key)?.metas ?? []);
            if (metas.length > 0 || !has(current, key)) put(joins, key, { ...next[key], metas });
        }
        return Presence.syncDiff(clone(current), { joins, leaves }, onJoin, onLeave);
    }

    /** Changes `state` by `diff`, with the callbacks for each key, and returns it. */
    static syncDiff(state: PresenceState, diff: PresenceDiff, onJoin?: PresenceJoin, onLeave?: PresenceLeave): PresenceState {
        const { joins, leaves } = clone(diff);
        for (const key of Object.keys(joins)) {
            const current = presenceOf(state, key);
            const kept = without(current?.metas ?? [], joins[key].metas);
            put(state, key, { ...joins[key], metas: [...kept, ...joins[key].metas] });
            onJoin?.(key, current, joins[key]);
        }
        for (const key of Object.keys(leaves)) {
            const current = presenceOf(state, key);
            if (!current) continue;
            current.metas = without(current.metas, leaves[key].metas);
            onLeave?.(key, current, leaves[key]);
            if (current.metas.length === 0) delete state[key];
        }
        return state;
    }

    /** The presences of a state, or what `chooser` makes of each. */
    static list(state: PresenceState): PresenceEntry[];
    static list<T>(state: PresenceState, chooser?: (key: string, presence: PresenceEntry) => T): T[];
    static list(state: PresenceState, chooser: (key: string, presence: PresenceEntry) => unknown = (_, presence) => presence): unknown[] {
        return Object.keys(state).map((key) => chooser(key, state[key]));
    }

    private onState(next: PresenceState): void {
        this.joinRef = this.channel.getJoinRef();
        this.state = Presence.syncState(this.state, next, this.joinHeard, this.leaveHeard);
        for (const diff of this.pendingDiffs.splice(0)) this.apply(diff);
        guarded(this.synced);
    }

    private onDiff(diff: PresenceDiff): void {
        if (this.inPendingSyncState()) return void this.pendingDiffs.push(diff);
        this.apply(diff);
        guarded(this.synced);
    }

    private apply(diff: PresenceDiff): void {
        this.state = Presence.syncDiff(this.state, diff, this.joinHeard, this.leaveHeard);
    }

    private readonly joinHeard: PresenceJoin = (...args) => guarded(() => this.joined(...args));
    private readonly leaveHeard: PresenceLeave = (...args) => guarded(() => this.left(...args));
}
