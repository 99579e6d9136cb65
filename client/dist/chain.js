/*! The browser client of chain. MIT license. Built from chain.ts: do not edit. */
var chain = (function (exports) {
"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.Presence = exports.Push = exports.Channel = exports.Socket = exports.Transports = exports.TransportSSE = exports.TransportWebSocket = exports.History = exports.Retry = exports.MessageKindEnum = exports.Events = exports.Options = void 0;
exports.log = log;
exports.encode = encode;
exports.decode = decode;
const SOCKET = "Socket";
const CHANNEL = "Channel";
const TRANSPORT = "Transport";
const CHAIN_TOPIC = "_chain";
const LONGEST_DELAY = 2 ** 31 - 1;
const FINAL_CODES = [1000, 4001];
const STABLE_AFTER = 10000;
const REOPEN_TIME = 30000;
const FAILURES_PER_TRANSPORT = 2;
const FRAMES_PER_POST = 100;
const CHARACTERS_PER_POST = 20000;
const POST_INTERVALS = [500, 1000, 2000, 5000];
const KEPT_FRAMES = 1000;
const KEPT_CHARACTERS = 1 << 20;
const FRAMES_PER_ACK = 32;
const ACK_AFTER = 5000;
const TIMED_OUT = "connecting timed out";
exports.Options = {
    Debug: true,
    DebugSocket: false,
    DebugChannel: false,
    DebugTransport: false,
};
function log(group, ...params) {
    const name = typeof group === "string" ? group : "";
    if (!(exports.Options[`Debug${name}`] ?? exports.Options.Debug))
        return;
    const values = name ? params : [group, ...params];
    const template = typeof values[0] === "string" ? values.shift() : "";
    console.log(`${name.padStart(TRANSPORT.length)}: ${template}`, ...values);
}
function report(error) {
    if (typeof reportError === "function")
        reportError(error);
    else
        console.error(error);
}
function guarded(action) {
    try {
        action();
    }
    catch (error) {
        report(error);
    }
}
class Events {
    constructor() {
        this.listeners = new Map();
    }
    emit(event, ...args) {
        for (const listener of this.listeners.get(event) ?? [])
            guarded(() => listener(...args));
    }
    on(event, callback) {
        this.listeners.set(event, [...(this.listeners.get(event) ?? []), callback]);
        return this;
    }
    off(event, callback) {
        const listeners = this.listeners.get(event) ?? [];
        const found = callback ? listeners.indexOf(callback) : -1;
        if (!callback)
            this.listeners.delete(event);
        else if (found >= 0)
            this.listeners.set(event, listeners.filter((_, index) => index !== found));
        return this;
    }
}
exports.Events = Events;
var MessageKindEnum;
(function (MessageKindEnum) {
    MessageKindEnum[MessageKindEnum["PUSH"] = 0] = "PUSH";
    MessageKindEnum[MessageKindEnum["REPLY"] = 1] = "REPLY";
    MessageKindEnum[MessageKindEnum["BROADCAST"] = 2] = "BROADCAST";
    MessageKindEnum[MessageKindEnum["ACK"] = 3] = "ACK";
})(MessageKindEnum || (exports.MessageKindEnum = MessageKindEnum = {}));
function encode(message) {
    const { joinRef = 0, ref = 0, topic, event, payload } = message;
    return JSON.stringify([MessageKindEnum.PUSH, joinRef, ref, topic, event, payload]);
}
function decode(rawMessage) {
    const frame = JSON.parse(rawMessage);
    const message = Array.isArray(frame) ? toMessage(frame, rawMessage) : undefined;
    if (typeof message?.event !== "string")
        throw new Error(`not a frame: ${String(rawMessage).slice(0, 80)}`);
    return message;
}
function toMessage(frame, raw) {
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
function after(raw, commas) {
    let at = -1;
    for (let seen = 0; seen < commas; seen++) {
        at = raw.indexOf(",", at + 1);
        if (at < 0)
            return "";
    }
    return raw.slice(at + 1, raw.lastIndexOf("]")).trim();
}
function retryAfter(response) {
    const delay = response?.retry_after_ms;
    return typeof delay === "number" && delay > 0 ? delay : 0;
}
function retryAfterClose(reason) {
    const found = /retry_after_ms\D{0,4}(\d+)/.exec(reason ?? "");
    return found ? Number(found[1]) : 0;
}
function later(callback, delay) {
    return setTimeout(callback, Math.min(delay, LONGEST_DELAY));
}
class Retry {
    constructor(callback, intervals) {
        this.callback = callback;
        this.count = 0;
        this.earliest = 0;
        this.intervals = intervals.slice().sort((a, b) => a - b);
    }
    tries() {
        return this.count;
    }
    lastInterval() {
        return this.intervals[Math.min(this.count, this.intervals.length - 1)] ?? 0;
    }
    retry(atLeast = 0) {
        this.cancel();
        const delay = atLeast + this.lastInterval() * (0.5 + Math.random() / 2);
        this.earliest = performance.now() + atLeast;
        this.timer = later(() => this.fire(), delay);
    }
    hasten(patient = false) {
        const waits = patient && performance.now() < this.earliest;
        if (this.timer !== undefined && !waits)
            this.fire();
    }
    cancel() {
        clearTimeout(this.timer);
        this.timer = undefined;
    }
    reset() {
        this.cancel();
        this.count = 0;
    }
    fire() {
        this.cancel();
        this.count++;
        this.callback(this.count);
    }
}
exports.Retry = Retry;
class Heartbeat {
    constructor(interval, timeout, send, dead) {
        this.interval = interval;
        this.timeout = timeout;
        this.send = send;
        this.dead = dead;
        this.ref = 0;
    }
    start() {
        this.stop();
        if (this.interval > 0)
            this.timer = setInterval(() => this.beat(), Math.min(this.interval, LONGEST_DELAY));
    }
    stop() {
        clearInterval(this.timer);
        clearTimeout(this.deadline);
        this.timer = undefined;
        this.ref = 0;
    }
    beat() {
        if (this.ref || this.timer === undefined)
            return;
        this.ref = this.send();
        this.deadline = later(this.dead, this.timeout);
    }
    answered(ref) {
        if (ref !== this.ref)
            return;
        clearTimeout(this.deadline);
        this.ref = 0;
    }
}
class WakeUp {
    constructor(callback) {
        this.callback = callback;
        this.onShown = () => document.visibilityState === "visible" && this.callback();
        this.onWake = () => this.callback();
    }
    start() {
        this.stop();
        if (typeof document !== "undefined")
            document.addEventListener("visibilitychange", this.onShown);
        if (typeof window === "undefined")
            return;
        window.addEventListener("online", this.onWake);
        window.addEventListener("pageshow", this.onWake);
    }
    stop() {
        if (typeof document !== "undefined")
            document.removeEventListener("visibilitychange", this.onShown);
        if (typeof window === "undefined")
            return;
        window.removeEventListener("online", this.onWake);
        window.removeEventListener("pageshow", this.onWake);
    }
}
class History {
    constructor(ttlSeconds = 5) {
        this.expiries = new Map();
        this.ttl = Math.max(Math.round(ttlSeconds), 1) * 1000;
    }
    exists(key) {
        if (key === undefined || key === null)
            return false;
        const now = performance.now();
        this.expire(now);
        const seen = this.expiries.delete(key);
        this.expiries.set(key, now + this.ttl);
        return seen;
    }
    expire(now) {
        for (const [key, expiry] of this.expiries) {
            if (expiry > now)
                return;
            this.expiries.delete(key);
        }
    }
}
exports.History = History;
class ResumeState {
    constructor() {
        this.secret = "";
        this.windowMs = 0;
        this.tries = 0;
        this.got = 0;
        this.acknowledged = 0;
        this.count = 0;
        this.kept = [];
        this.size = 0;
    }
    get token() {
        return this.secret;
    }
    get received() {
        return this.got;
    }
    get sent() {
        return this.count;
    }
    get attempt() {
        return this.tries;
    }
    get isPlain() {
        return this.known === false;
    }
    get window() {
        return this.windowMs;
    }
    prepare() {
        this.tries++;
        return this;
    }
    forget() {
        this.secret = "";
        this.known = undefined;
        this.got = this.acknowledged = this.count = this.size = 0;
        this.kept = [];
    }
    adopt(info) {
        this.known = true;
        this.secret = info.token;
        this.windowMs = info.window_ms ?? this.windowMs;
        if (!info.resumed)
            return true;
        this.acknowledged = this.got;
        const received = info.received ?? 0;
        this.confirm(received);
        return received >= this.count - this.kept.length;
    }
    take() {
        this.known ?? (this.known = false);
        return ++this.got - this.acknowledged;
    }
    acknowledge() {
        if (!this.secret || this.acknowledged === this.got)
            return undefined;
        this.acknowledged = this.got;
        return JSON.stringify([MessageKindEnum.ACK, this.got]);
    }
    keep(frame) {
        this.count++;
        if (this.known === false)
            return;
        this.kept.push(frame);
        this.size += frame.length;
        while (this.kept.length > KEPT_FRAMES || this.size > KEPT_CHARACTERS)
            this.drop();
    }
    confirm(count) {
        while (this.kept.length > 0 && this.count - this.kept.length < count)
            this.drop();
    }
    withdraw(frame) {
        const at = this.kept.indexOf(frame);
        if (at >= 0)
            this.size -= this.kept.splice(at, 1)[0].length;
        this.count--;
    }
    unconfirmed() {
        return this.kept.slice();
    }
    drop() {
        this.size -= this.kept.shift()?.length ?? 0;
    }
}
class TransportWebSocket extends Events {
    static isSupported({ WebSocket }) {
        return (WebSocket ?? globalThis.WebSocket) !== undefined;
    }
    constructor(config) {
        super();
        this.config = config;
        this.heartbeat = true;
        this.acks = true;
        this.target = "";
    }
    endpoint() {
        return this.target;
    }
    connect(endpoint) {
        const WebSocketClass = this.config.WebSocket ?? globalThis.WebSocket;
        if (!WebSocketClass)
            throw new Error("there is no WebSocket here: give one in the option WebSocket");
        const { params, resume } = this.config;
        const url = urlOf(endpoint, "/websocket", "ws", { ...params, ...resumeParams(resume) });
        this.target = endpoint;
        const ws = new WebSocketClass(url, ...this.protocols());
        ws.onopen = () => this.emit("open", this);
        ws.onmessage = (event) => this.emit("message", this, event.data);
        ws.onerror = (event) => log(TRANSPORT, "error", event);
        ws.onclose = (event) => this.emit("close", this, event);
        this.ws = ws;
    }
    send(data) {
        if (this.ws?.readyState === 1)
            this.ws.send(data);
    }
    close(code = 1000, reason = "") {
        const ws = this.ws;
        if (!ws)
            return;
        this.ws = undefined;
        ws.onopen = ws.onmessage = ws.onclose = null;
        ws.onerror = () => undefined;
        ws.close(code, reason);
    }
    protocols() {
        const { authToken, resume } = this.config;
        const secrets = [];
        if (resume?.token)
            secrets.push(`chain.resume.${resume.token}`);
        if (authToken)
            secrets.push(`base64url.bearer.phx.${base64Url(authToken)}`);
        return secrets.length > 0 ? [["chain", ...secrets]] : [];
    }
}
exports.TransportWebSocket = TransportWebSocket;
function base64Url(text) {
    const bytes = String.fromCharCode(...new TextEncoder().encode(text));
    return btoa(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
function resumeParams(resume) {
    if (!resume)
        return {};
    return resume.token ? { received: resume.received, attempt: resume.attempt } : { resume: 1 };
}
function bearer(authToken) {
    return authToken ? { Authorization: `Bearer ${authToken}` } : {};
}
class FetchedEvents {
    constructor(url, fetch, headers, credentials) {
        this.readyState = 0;
        this.data = [];
        this.abort = new AbortController();
        const init = { headers: { ...headers, Accept: "text/event-stream" }, credentials, cache: "no-store" };
        fetch(url, { ...init, signal: this.abort.signal })
            .then((response) => this.read(response))
            .catch((error) => log(TRANSPORT, "event stream failed", error))
            .then(() => this.end());
    }
    close() {
        this.readyState = 2;
        this.abort.abort();
    }
    async read({ status, headers, body }) {
        const isStream = status === 200 && headers.get("Content-Type")?.startsWith("text/event-stream");
        if (!isStream || !body || this.readyState === 2)
            return this.abort.abort();
        this.readyState = 1;
        this.onopen?.();
        const reader = body.getReader();
        const decoder = new TextDecoder();
        let rest = "";
        for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
            const lines = (rest + decoder.decode(piece.value, { stream: true })).split("\n");
            rest = lines.pop() ?? "";
            for (const line of lines)
                this.take(line);
        }
    }
    take(line) {
        if (line.startsWith("data:"))
            this.data.push(line.slice(line[5] === " " ? 6 : 5));
        if (line !== "" || this.data.length === 0)
            return;
        const data = this.data.splice(0).join("\n");
        if (this.readyState === 1)
            guarded(() => this.onmessage?.({ data }));
    }
    end() {
        if (this.readyState === 2)
            return;
        this.readyState = 2;
        this.onerror?.();
    }
}
function countedOf(waiting) {
    return waiting.filter(({ counted }) => counted).length;
}
class PostQueue {
    constructor(post, resume, gone) {
        this.post = post;
        this.resume = resume;
        this.gone = gone;
        this.frames = [];
        this.busy = false;
        this.ended = false;
        this.alone = 0;
        this.abort = new AbortController();
        this.retry = new Retry(() => void this.next(), POST_INTERVALS);
    }
    add(frame, counted) {
        if (this.ended)
            return;
        this.frames.push({ frame, counted });
        if (this.busy)
            return;
        this.busy = true;
        queueMicrotask(() => void this.next());
    }
    finish() {
        this.ended = true;
    }
    drop() {
        this.ended = true;
        this.frames = [];
        this.retry.cancel();
        this.abort.abort();
    }
    async next() {
        const batch = this.take();
        this.busy = batch.length > 0;
        if (!this.busy)
            return;
        const body = batch.length === 1 ? batch[0].frame : `[${batch.map(({ frame }) => frame).join(",")}]`;
        const seq = (this.resume?.sent ?? 0) - countedOf(batch) - countedOf(this.frames);
        let [status, delay] = [0, 0];
        try {
            const response = await this.post(body, seq, { signal: this.abort.signal, keepalive: this.ended });
            const answer = await response.text();
            delay = (Number(response.headers.get("Retry-After")) || 0) * 1000;
            status = response.status;
            if (status === 200)
                this.confirm(answer);
        }
        catch (error) {
            log(TRANSPORT, "post failed", error);
        }
        this.settle(batch, status, delay);
    }
    confirm(answer) {
        const found = /"received":(\d+)/.exec(answer);
        if (found && !this.ended)
            this.resume?.confirm(Number(found[1]));
    }
    take() {
        let [count, size] = [0, 0];
        for (const { frame } of this.frames.slice(0, this.alone > 0 ? 1 : FRAMES_PER_POST)) {
            size += frame.length + 1;
            if (count > 0 && size > CHARACTERS_PER_POST)
                break;
            count++;
        }
        this.alone = Math.max(this.alone - count, 0);
        return this.frames.splice(0, count);
    }
    settle(batch, status, delay) {
        const unheard = status === 0 || status === 429 || status >= 500;
        if (unheard && !this.ended) {
            this.frames.unshift(...batch);
            return this.retry.retry(delay);
        }
        this.retry.reset();
        if ((status === 410 || status === 409) && !this.ended)
            return this.gone();
        const refused = status >= 400 && status < 500;
        if (refused && batch.length > 1 && !this.ended) {
            this.frames.unshift(...batch);
            this.alone = batch.length;
        }
        else if (refused) {
            log(TRANSPORT, "frame refused with %s", status, batch);
            for (const { frame, counted } of batch)
                if (counted && !this.ended)
                    this.resume?.withdraw(frame);
        }
        void this.next();
    }
}
class TransportSSE extends Events {
    static isSupported({ EventSource, authToken }) {
        return authToken !== undefined || (EventSource ?? globalThis.EventSource) !== undefined;
    }
    constructor(config) {
        super();
        this.config = config;
        this.heartbeat = true;
        this.target = "";
        this.isOpen = false;
        this.fetch = (url, init) => (this.config.fetch ?? globalThis.fetch)(url, init);
    }
    endpoint() {
        return this.target;
    }
    connect(endpoint) {
        const { params, sid, resume, authToken } = this.config;
        const headers = { ...bearer(authToken), ...(resume?.token && { "X-Chain-Session": resume.token }) };
        const session = (!authToken && resume?.token) || undefined;
        const url = urlOf(endpoint, "/sse", "http", { ...params, sid, ...resumeParams(resume), session });
        const source = authToken ? new FetchedEvents(url, this.fetch, headers, this.credentials) : this.makeSource(url);
        this.target = endpoint;
        this.posts = this.makePosts(urlOf(endpoint, "/sse", "http", { sid }));
        source.onopen = () => this.opened();
        source.onmessage = (event) => this.emit("message", this, event.data);
        source.onerror = () => this.failed(source.readyState);
        this.source = source;
    }
    send(data, counted = true) {
        this.posts?.add(data, counted);
    }
    close(code = 1000) {
        const source = this.source;
        if (!source)
            return;
        this.source = undefined;
        source.onopen = source.onmessage = source.onerror = null;
        source.close();
        if (code === 1000)
            this.posts?.finish();
        else
            this.posts?.drop();
    }
    get credentials() {
        return this.config.cors ? "include" : "same-origin";
    }
    makeSource(url) {
        const EventSourceClass = this.config.EventSource ?? globalThis.EventSource;
        if (!EventSourceClass)
            throw new Error("there is no EventSource here: give one in the option EventSource");
        return new EventSourceClass(url, { withCredentials: this.config.cors ?? false });
    }
    makePosts(url) {
        const { resume, authToken } = this.config;
        const post = (body, seq, init) => {
            const headers = { ...bearer(authToken), "Content-Type": "application/json" };
            if (resume?.token)
                headers["X-Chain-Session"] = resume.token;
            const target = resume ? `${url}&seq=${seq}&received=${resume.received}` : url;
            return this.fetch(target, { method: "POST", headers, credentials: this.credentials, body, ...init });
        };
        return new PostQueue(post, resume, () => this.end("the session is gone"));
    }
    opened() {
        this.isOpen = true;
        this.emit("open", this);
    }
    failed(readyState) {
        const { resume } = this.config;
        if (!this.isOpen || readyState === 2 || (resume && !resume.isPlain))
            return this.end("the event stream failed");
        this.isOpen = false;
        this.emit("interrupted", this, { code: 1006, reason: "the event stream broke" });
    }
    end(reason) {
        this.close(1006);
        this.emit("close", this, { code: 1006, reason });
    }
}
exports.TransportSSE = TransportSSE;
exports.Transports = {
    WebSocket: TransportWebSocket,
    SSE: TransportSSE,
};
function urlOf(endpoint, suffix, scheme, params = {}) {
    const url = new URL(endpoint, typeof location === "object" ? location.href : undefined);
    url.protocol = url.protocol.replace(/^(ws|http)/, scheme);
    url.pathname = url.pathname.replace(/\/+$/, "") + suffix;
    url.hash = "";
    for (const [key, value] of Object.entries(params)) {
        if (value !== undefined && value !== null)
            url.searchParams.set(key, String(value));
    }
    return url.href;
}
class TransportChoice {
    constructor(wanted, defaults, storage) {
        this.storage = storage;
        this.failures = 0;
        const configs = wanted.map((item) => ({ ...defaults, ...(typeof item === "string" ? { name: item } : item) }));
        const known = configs.filter(({ name }) => exports.Transports[name]);
        const supported = known.filter((config) => exports.Transports[config.name].isSupported?.(config) ?? true);
        this.configs = supported.length > 0 ? supported : known;
        if (known.length === 0)
            this.configs.push(this.unknown(configs));
        const remembered = storage.getItem("chain:transport");
        this.index = Math.max(this.configs.findIndex(({ name }) => name === remembered), 0);
    }
    current() {
        return this.configs[this.index];
    }
    opened() {
        const isFirst = this.settled === undefined && this.configs.length > 1;
        if (isFirst)
            remember(this.storage, "chain:transport", this.current().name);
        this.settled ?? (this.settled = this.index);
        this.failures = 0;
    }
    lost() {
        this.index = this.settled ?? this.index;
    }
    failed(timedOut, isResuming) {
        if (this.settled !== undefined && !isResuming)
            return this.lost();
        if (++this.failures < FAILURES_PER_TRANSPORT && !timedOut)
            return;
        this.failures = 0;
        this.index = (this.index + 1) % this.configs.length;
    }
    unknown(configs) {
        const names = configs.map((config) => config.name).join(", ");
        console.warn(`chain: no transport named ${names}; the WebSocket is used`);
        return { ...configs[0], name: "WebSocket" };
    }
}
function causeOf(cause) {
    const code = cause?.code;
    return { code: code >= 1000 ? code : 1006, reason: String(cause?.reason ?? cause?.message ?? "") };
}
class Nodes {
    constructor(list, getNodes, seconds, changed) {
        this.list = list;
        this.getNodes = getNodes;
        this.seconds = seconds;
        this.changed = changed;
    }
    first() {
        return this.list[0];
    }
    async pick(index) {
        if (this.list.length === 0)
            await this.fetch();
        if (this.list.length === 0)
            throw new Error("getNodes gave no endpoint");
        return this.list[index % this.list.length];
    }
    start() {
        if (this.getNodes)
            this.timer = setInterval(() => this.refresh(), Math.min(this.seconds * 1000, LONGEST_DELAY));
    }
    stop() {
        clearInterval(this.timer);
    }
    refresh() {
        this.fetch().catch((error) => log(SOCKET, "getNodes failed", error));
    }
    async fetch() {
        const list = await this.getNodes?.();
        if (!list?.length)
            return;
        this.list = list.slice();
        this.changed();
    }
}
class Link {
    constructor(config, listener) {
        this.config = config;
        this.listener = listener;
        this.wanted = false;
        this.turn = 0;
        this.failures = 0;
        this.retired = new Set();
        const fixed = config.endpoint === undefined ? [] : [config.endpoint];
        this.nodes = new Nodes(fixed, config.getNodes, config.getNodesInterval, () => this.prefer());
        this.retry = new Retry(() => this.attempt(), config.reconnectInterval);
    }
    isWanted() {
        return this.wanted;
    }
    isOpen() {
        return this.current !== undefined;
    }
    start() {
        if (this.wanted)
            return this.hasten();
        this.wanted = true;
        this.nodes.start();
        this.attempt();
    }
    stop() {
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
        for (const transport of transports)
            transport?.close(1000);
    }
    hasten(patient = false) {
        this.retry.hasten(patient);
    }
    send(data, counted) {
        this.current?.send(data, counted);
    }
    abandon(reason) {
        const transport = this.current;
        if (!transport)
            return;
        this.lost({ code: 1006, reason });
        transport.close(4000, reason);
    }
    async attempt(preferred) {
        const turn = ++this.turn;
        clearTimeout(this.connectTimer);
        this.connectTimer = later(() => this.attemptFailed(new Error(TIMED_OUT)), this.config.connectTimeout);
        try {
            const endpoint = preferred ?? (await this.nodes.pick(this.failures));
            const transport = await this.config.create(this.current !== undefined);
            if (turn === this.turn)
                this.dial(transport, endpoint);
        }
        catch (error) {
            if (turn === this.turn)
                this.attemptFailed(error);
        }
    }
    dial(transport, endpoint) {
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
    opened(transport) {
        if (transport !== this.candidate)
            return;
        const previous = this.current;
        this.candidate = undefined;
        this.current = transport;
        this.retry.cancel();
        clearTimeout(this.connectTimer);
        clearTimeout(this.stableTimer);
        this.stableTimer = later(() => this.stable(), STABLE_AFTER);
        if (previous)
            this.retire(previous);
        this.listener.up(transport, previous);
    }
    stable() {
        this.stableTimer = undefined;
        this.failures = 0;
        this.retry.reset();
    }
    received(transport, data) {
        const isOld = transport !== this.current;
        if (!isOld || this.retired.has(transport))
            this.listener.frame(data, isOld);
    }
    ended(transport, cause) {
        if (transport === this.candidate)
            this.attemptFailed(cause);
        else if (transport === this.current)
            this.lost(causeOf(cause));
        else if (!this.retired.delete(transport))
            return;
        transport.close();
    }
    interrupted(transport, cause) {
        if (transport !== this.current || this.candidate)
            return this.ended(transport, cause);
        this.current = undefined;
        this.candidate = transport;
        this.turn++;
        clearTimeout(this.stableTimer);
        clearTimeout(this.connectTimer);
        this.connectTimer = later(() => this.attemptFailed(new Error(TIMED_OUT)), REOPEN_TIME);
        this.tellLoss({ ...cause, reconnecting: true });
    }
    sentAway(delay) {
        if (this.current)
            this.ended(this.current, { code: 1012, reason: `retry_after_ms: ${delay}` });
    }
    attemptFailed(cause) {
        const info = causeOf(cause);
        const transport = this.candidate;
        this.turn++;
        this.failures++;
        this.candidate = undefined;
        clearTimeout(this.connectTimer);
        transport?.close();
        log(SOCKET, "could not connect", info);
        if (transport)
            this.listener.refused(info.reason === TIMED_OUT);
        if (this.current)
            return;
        this.retry.retry(retryAfterClose(info.reason));
        this.nodes.refresh();
        this.listener.failed({ ...info, reconnecting: true });
    }
    lost(cause) {
        const reconnecting = !FINAL_CODES.includes(cause.code);
        if (this.stableTimer)
            this.failures++;
        clearTimeout(this.stableTimer);
        this.current = undefined;
        if (reconnecting)
            this.retry.retry(retryAfterClose(cause.reason));
        else
            this.stop();
        this.tellLoss({ ...cause, reconnecting });
    }
    tellLoss(info) {
        log(SOCKET, "connection lost", info);
        if (info.reconnecting)
            this.listener.failed(info);
        this.listener.down(info);
    }
    retire(transport) {
        this.retired.add(transport);
        later(() => {
            if (this.retired.delete(transport))
                transport.close(1000);
        }, this.config.dropAfter);
    }
    prefer() {
        const best = this.nodes.first();
        if (this.current && !this.candidate && best !== this.current.endpoint())
            this.attempt(best);
    }
}
function sessionStorageOrMemory() {
    try {
        if (globalThis.sessionStorage)
            return globalThis.sessionStorage;
    }
    catch {
    }
    const memory = new Map();
    return { getItem: (key) => memory.get(key) ?? null, setItem: (key, value) => void memory.set(key, value) };
}
function remember(storage, key, value) {
    try {
        storage.setItem(key, value);
    }
    catch (error) {
        log(SOCKET, "%s is not remembered", key, error);
    }
}
function randomId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
class TabId {
    constructor(storage) {
        this.storage = storage;
        this.id = "";
        this.key = "";
        this.leave = () => remember(this.storage, this.key, this.id);
        this.enter = () => remember(this.storage, this.key, "");
    }
    take() {
        if (this.id)
            return this.id;
        this.key = this.freeKey();
        this.id = this.storage.getItem(this.key) || randomId();
        this.leave();
        if (typeof window === "undefined")
            return this.id;
        this.enter();
        window.addEventListener("pagehide", this.leave);
        window.addEventListener("pageshow", this.enter);
        return this.id;
    }
    forget() {
        if (!this.id)
            return;
        this.id = "";
        this.leave();
        TabId.keysInUse.get(this.storage)?.delete(this.key);
        if (typeof window === "undefined")
            return;
        window.removeEventListener("pagehide", this.leave);
        window.removeEventListener("pageshow", this.enter);
    }
    freeKey() {
        const inUse = TabId.keysInUse.get(this.storage) ?? new Set();
        let key = "chain:sid";
        for (let count = 2; inUse.has(key); count++)
            key = `chain:sid${count}`;
        TabId.keysInUse.set(this.storage, inUse.add(key));
        return key;
    }
}
TabId.keysInUse = new WeakMap();
class Socket extends Events {
    constructor(endpointOrOptions = {}, more = {}) {
        super();
        this.ref = 0;
        this.channels = [];
        this.sendBuffer = [];
        this.session = new ResumeState();
        this.isUp = false;
        this.sessions = new WeakMap();
        this.pending = new Map();
        this.asides = new Map();
        this.wakeUp = new WakeUp(() => this.onWakeUp());
        const named = typeof endpointOrOptions === "string";
        this.options = named ? more : endpointOrOptions;
        this.storage = this.options.sessionStorage ?? sessionStorageOrMemory();
        this.tab = new TabId(this.storage);
        this.link = this.makeLink(named ? endpointOrOptions : this.options.getNodes ? undefined : "/socket");
        this.heartbeat = new Heartbeat(this.options.heartbeatInterval ?? 30000, this.options.heartbeatTimeout ?? 10000, () => this.sendHeartbeat(), () => this.link.abandon("no answer to the heartbeat"));
    }
    connect() {
        this.wakeUp.start();
        this.link.start();
    }
    disconnect() {
        const wasAlive = this.isAlive();
        clearTimeout(this.idleTimer);
        this.link.stop();
        if (wasAlive)
            this.onDown({ code: 1000, reason: "", reconnecting: false });
        this.wakeUp.stop();
        this.session.forget();
        this.tab.forget();
    }
    isConnected() {
        return this.link.isOpen() && this.verdict === undefined;
    }
    isAlive() {
        return this.link.isOpen() || this.windowTimer !== undefined;
    }
    channel(topic, params = {}, options = {}) {
        const channel = new Channel(topic, params, this, options);
        this.add(channel);
        return channel;
    }
    leave(topic) {
        for (const channel of this.channels) {
            if (channel.getTopic() === topic && !channel.isClosed())
                channel.leave();
        }
    }
    push(message) {
        log(SOCKET, "push %s %s (%s, %s)", message.topic, message.event, message.joinRef, message.ref, message.payload);
        const waiting = { frame: encode(message), counted: message.topic !== CHAIN_TOPIC };
        if (!waiting.counted && message.ref)
            this.asides.set(message.ref, message.event);
        if (this.isConnected())
            this.transmit(waiting);
        else
            this.sendBuffer.push(waiting);
    }
    sendOver(transport, frame) {
        this.sessions.get(transport)?.keep(frame);
        transport.send(frame, true);
    }
    nextRef() {
        this.ref = this.ref >= Number.MAX_SAFE_INTEGER ? 1 : this.ref + 1;
        return this.ref;
    }
    getTimeout() {
        return this.options.timeout ?? 30000;
    }
    getRejoinInterval() {
        return this.options.rejoinInterval ?? [1000, 2000, 5000, 10000];
    }
    getSession(key) {
        return this.storage.getItem(key);
    }
    storeSession(key, value) {
        this.storage.setItem(key, value);
    }
    add(channel) {
        clearTimeout(this.idleTimer);
        if (!this.channels.includes(channel))
            this.channels.push(channel);
        if (!this.link.isWanted())
            this.connect();
    }
    remove(channel) {
        this.channels = this.channels.filter((other) => other !== channel);
        if (this.channels.length === 0)
            this.disconnectWhenIdle();
    }
    expectReply(push) {
        this.pending.set(push.getRef(), push);
    }
    forgetReply(push) {
        if (this.pending.get(push.getRef()) === push)
            this.pending.delete(push.getRef());
    }
    makeLink(endpoint) {
        const { options } = this;
        const config = {
            endpoint,
            getNodes: options.getNodes,
            getNodesInterval: options.getNodesInterval ?? 30,
            reconnectInterval: options.reconnectInterval ?? [500, 1000, 2000, 5000, 10000],
            connectTimeout: options.connectTimeout ?? 10000,
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
    async createTransport(isMove) {
        const { params, authToken } = this.options;
        const config = (this.transports ?? (this.transports = this.makeChoice())).current();
        const own = typeof params === "function" ? await params() : params;
        const token = (typeof authToken === "function" ? await authToken() : authToken) ?? config.authToken;
        const sid = config.sid ?? this.tab.take();
        const session = isMove ? new ResumeState() : this.session;
        const resume = (this.options.resume ?? true) ? session.prepare() : undefined;
        const transport = new exports.Transports[config.name]({ ...config, sid, resume, authToken: token, params: { ...config.params, ...own } });
        this.sessions.set(transport, session);
        return transport;
    }
    makeChoice() {
        const { transport = ["WebSocket", "SSE"], WebSocket, EventSource, fetch, authToken } = this.options;
        const token = authToken === undefined ? undefined : "";
        return new TransportChoice(transport, { WebSocket, EventSource, fetch, authToken: token }, this.storage);
    }
    disconnectWhenIdle() {
        const delay = this.options.disconnectIdleTimeout ?? 5000;
        clearTimeout(this.idleTimer);
        if (delay <= LONGEST_DELAY)
            this.idleTimer = later(() => this.disconnect(), delay);
    }
    onUp(transport, previous) {
        log(SOCKET, "connected to %s", transport.endpoint());
        this.transports?.opened();
        this.stopWindow();
        clearTimeout(this.ackTimer);
        this.session = this.sessions.get(transport) ?? new ResumeState();
        this.transport = transport;
        if (this.session.token)
            return this.awaitVerdict();
        this.session.forget();
        this.begin(previous);
    }
    awaitVerdict() {
        const silent = () => {
            this.session.forget();
            this.link.abandon("no answer to the resume");
        };
        this.verdict = later(silent, this.options.connectTimeout ?? 10000);
    }
    settleVerdict() {
        const awaited = this.verdict !== undefined;
        clearTimeout(this.verdict);
        this.verdict = undefined;
        return awaited;
    }
    begin(previous) {
        this.startHeartbeat();
        for (const channel of this.channels.slice())
            guarded(() => channel.onConnected(previous));
        this.opened();
    }
    goOn() {
        log(SOCKET, "session resumed");
        this.startHeartbeat();
        for (const frame of this.session.unconfirmed())
            this.link.send(frame, true);
        this.flush();
        for (const channel of this.channels.slice())
            guarded(() => channel.onResumed());
        this.opened();
    }
    beginAnew() {
        for (const channel of this.channels.slice())
            channel.onDisconnected();
        this.begin();
    }
    opened() {
        this.flush();
        this.isUp = true;
        this.emit("open", this.transport);
    }
    startHeartbeat() {
        if (this.transport?.heartbeat)
            this.heartbeat.start();
        else
            this.heartbeat.stop();
    }
    flush() {
        for (const waiting of this.sendBuffer.splice(0))
            this.transmit(waiting);
    }
    transmit({ frame, counted }) {
        if (counted)
            this.session.keep(frame);
        this.link.send(frame, counted);
    }
    onDown(info) {
        this.heartbeat.stop();
        this.asides.clear();
        this.transports?.lost();
        clearTimeout(this.ackTimer);
        this.settleVerdict();
        if (!info.reconnecting)
            this.wakeUp.stop();
        if (info.reconnecting && this.session.token)
            this.awaitReturn();
        else
            this.endSession();
        const wasUp = this.isUp;
        this.isUp = false;
        if (wasUp)
            this.emit("close", info);
    }
    awaitReturn() {
        const over = () => {
            this.windowTimer = undefined;
            for (const channel of this.channels.slice())
                channel.onDisconnected();
        };
        this.windowTimer ?? (this.windowTimer = later(over, this.session.window));
    }
    stopWindow() {
        clearTimeout(this.windowTimer);
        this.windowTimer = undefined;
    }
    endSession() {
        this.stopWindow();
        this.session.forget();
        for (const channel of this.channels.slice())
            channel.onDisconnected();
    }
    onWakeUp() {
        if (this.isConnected())
            this.heartbeat.beat();
        else
            this.link.hasten(true);
    }
    sendHeartbeat() {
        const ref = this.nextRef();
        this.push({ ref, topic: CHAIN_TOPIC, event: "_heartbeat", payload: null });
        return ref;
    }
    async refresh(expiresIn) {
        guarded(() => this.emit("expiring", expiresIn));
        if (!this.options.refresh)
            return;
        try {
            const payload = await this.options.refresh(expiresIn);
            if (!this.isConnected())
                return;
            this.push({ ref: this.nextRef(), topic: CHAIN_TOPIC, event: "_refresh", payload });
        }
        catch (error) {
            report(error);
        }
    }
    isAside({ kind, ref, payload }) {
        if (kind !== MessageKindEnum.REPLY || !this.asides.has(ref))
            return false;
        const asked = this.asides.get(ref);
        this.asides.delete(ref);
        this.heartbeat.answered(ref);
        if (asked === "_refresh")
            this.emit("refreshed", payload.status, payload.response);
        return true;
    }
    onFrame(data, isOld) {
        let message;
        try {
            message = decode(data);
        }
        catch (error) {
            return log(SOCKET, "frame ignored", error);
        }
        if (isOld)
            return this.onMessage(message);
        if (message.topic === CHAIN_TOPIC && message.event === "_session")
            return this.onSession(message.payload);
        if (message.topic === CHAIN_TOPIC && message.event === "_restart")
            return this.link.sentAway(retryAfter(message.payload));
        if (this.settleVerdict()) {
            this.session.forget();
            this.beginAnew();
        }
        if (message.kind === MessageKindEnum.ACK)
            this.session.confirm(message.payload);
        const isAside = this.isAside(message);
        if (message.topic === CHAIN_TOPIC && message.event === "_expiring")
            void this.refresh(Number(message.payload?.expires_in_ms) || 0);
        if (message.kind === MessageKindEnum.ACK || message.topic === CHAIN_TOPIC || isAside)
            return;
        this.count();
        this.onMessage(message);
    }
    onSession(info) {
        const awaited = this.settleVerdict();
        if (awaited && !info.resumed)
            this.session.forget();
        if (!this.session.adopt(info) || (info.resumed && !awaited)) {
            this.session.forget();
            this.link.abandon("the session cannot go on");
        }
        else if (awaited && info.resumed) {
            this.goOn();
        }
        else if (awaited) {
            log(SOCKET, "session not resumed: %s", info.reason);
            this.beginAnew();
        }
    }
    count() {
        const owed = this.session.take();
        if (!this.transport?.acks)
            return;
        if (owed >= FRAMES_PER_ACK)
            this.acknowledge();
        else if (owed === 1)
            this.ackTimer = later(() => this.acknowledge(), ACK_AFTER);
    }
    acknowledge() {
        clearTimeout(this.ackTimer);
        const ack = this.isConnected() ? this.session.acknowledge() : undefined;
        if (ack)
            this.link.send(ack, false);
    }
    onMessage(message) {
        const { topic, kind, event, joinRef, ref, payload } = message;
        const isReply = kind === MessageKindEnum.REPLY;
        if (kind === MessageKindEnum.ACK || topic === CHAIN_TOPIC)
            return;
        log(SOCKET, "receive %s %s (%s, %s)", topic ?? "", event, joinRef, ref, payload);
        if (this.isDuplicate(message))
            return this.emit("message:duplicated", message);
        if (isReply)
            guarded(() => this.pending.get(ref)?.onReply(message));
        else
            for (const channel of this.channels.slice())
                guarded(() => channel.onFrame(message));
        this.emit("message", message);
    }
    isDuplicate(message) {
        if (!this.options.duplicated || message.event.startsWith("_"))
            return false;
        try {
            return this.options.duplicated(message);
        }
        catch (error) {
            report(error);
            return false;
        }
    }
}
exports.Socket = Socket;
var ChannelState;
(function (ChannelState) {
    ChannelState[ChannelState["closed"] = 0] = "closed";
    ChannelState[ChannelState["errored"] = 1] = "errored";
    ChannelState[ChannelState["joined"] = 2] = "joined";
    ChannelState[ChannelState["joining"] = 3] = "joining";
    ChannelState[ChannelState["leaving"] = 4] = "leaving";
})(ChannelState || (ChannelState = {}));
class Channel extends Events {
    constructor(topic, params, socket, options) {
        super();
        this.topic = topic;
        this.socket = socket;
        this.options = options;
        this.state = ChannelState.closed;
        this.joinedOnce = false;
        this.pushBuffer = [];
        if (/[,*]/.test(topic))
            throw new Error("commas and asterisks are not allowed in a topic");
        this.timeout = socket.getTimeout();
        this.rejoinRetry = new Retry(() => this.rejoin(), socket.getRejoinInterval());
        this.joinPush = new Push(socket, this, "_join", params, this.timeout)
            .on("ok", (response) => this.onJoined(response))
            .on("error", (response) => this.onRefused(response))
            .on("timeout", () => this.onJoinTimeout());
    }
    getTopic() {
        return this.topic;
    }
    getJoinRef() {
        return this.joinPush.getRef();
    }
    join(timeout = this.timeout) {
        if (this.isLeaving())
            this.close("leave");
        if (this.joinedOnce && !this.isClosed())
            throw new Error(`"${this.topic}" is joined already: join is called once`);
        this.joinedOnce = true;
        this.timeout = timeout;
        this.socket.add(this);
        this.socket.leave(this.topic);
        this.rejoin();
        return this;
    }
    leave(timeout = this.timeout) {
        if (this.leavePush && this.isLeaving())
            return this.leavePush;
        const push = this.makeLeavePush(timeout);
        const known = this.socket.isAlive() && (this.isJoined() || this.isJoining());
        if (!this.isClosed() || !this.joinedOnce)
            this.state = ChannelState.leaving;
        this.leavePush = push;
        this.rejoinRetry.reset();
        this.joinPush.cancel();
        if (known)
            push.send();
        else
            queueMicrotask(() => push.settle("ok", {}));
        return push;
    }
    push(event, payload = {}, timeout = this.timeout) {
        if (event.includes(","))
            throw new Error("commas are not allowed in an event");
        if (!this.joinedOnce)
            throw new Error(`"${event}" was pushed to "${this.topic}" before join was called`);
        const push = new Push(this.socket, this, event, payload ?? {}, timeout);
        if (this.canPush()) {
            push.send();
        }
        else {
            push.startTimeout();
            this.pushBuffer.push(push);
            push.on("timeout", () => this.unbuffer(push));
        }
        return push;
    }
    canPush() {
        return this.socket.isConnected() && this.isJoined();
    }
    onClose(callback) {
        this.on("_close", callback);
        return () => void this.off("_close", callback);
    }
    onError(callback) {
        this.on("_error", callback);
        return () => void this.off("_error", callback);
    }
    isClosed() {
        return this.state === ChannelState.closed;
    }
    isErrored() {
        return this.state === ChannelState.errored;
    }
    isJoined() {
        return this.state === ChannelState.joined;
    }
    isJoining() {
        return this.state === ChannelState.joining;
    }
    isLeaving() {
        return this.state === ChannelState.leaving;
    }
    onConnected(previous) {
        if (this.isClosed() || this.isLeaving())
            return;
        if (previous && this.isJoined())
            this.leaveOld = this.leaveOn(previous);
        this.rejoinRetry.reset();
        this.rejoin();
    }
    onResumed() {
        if (this.isErrored())
            this.retryJoin();
        else if (this.isJoining() && !this.joinPush.isSent())
            this.joinPush.send();
        else if (this.isJoined())
            for (const push of this.pushBuffer.splice(0))
                push.send();
    }
    onDisconnected() {
        this.rejoinRetry.reset();
        this.leaveOld = undefined;
        if (this.isJoined() || this.isJoining())
            this.state = ChannelState.errored;
        if (this.isLeaving())
            this.leavePush?.settle("ok", {});
    }
    onFrame({ topic, event, payload, ref, joinRef }) {
        if (topic !== this.topic || (joinRef && joinRef !== this.getJoinRef()))
            return;
        if (this.isClosed() || (this.isLeaving() && event !== "_close"))
            return;
        if (event === "_close" || event === "_error")
            return this.onEnded(event, payload, ref, joinRef);
        this.emit(event, this.hook(event, payload, ref, joinRef), ref, joinRef || this.getJoinRef());
    }
    onEnded(event, payload, ref, joinRef) {
        let seen = payload;
        guarded(() => (seen = this.hook(event, payload, ref, joinRef)));
        if (event === "_close")
            this.close(seen);
        else
            this.fail(seen);
    }
    onReply(push, { payload, ref, joinRef }) {
        const reply = this.hook("_reply", payload, ref, joinRef);
        push.settle(reply.status, reply.response);
        this.emit(`chan_reply_${ref}`, reply, ref, joinRef);
        const forgotten = reply.status === "error" && reply.response?.reason === "unmatched topic";
        if (forgotten && this.isJoined())
            this.fail(reply.response);
    }
    rejoin() {
        this.state = ChannelState.joining;
        this.joinPush.reset(this.timeout);
        this.joinPush.startTimeout();
        if (this.socket.isConnected())
            this.joinPush.send();
    }
    unbuffer(push) {
        this.pushBuffer = this.pushBuffer.filter((other) => other !== push);
    }
    retryJoin(atLeast = 0) {
        this.state = ChannelState.errored;
        if (this.socket.isConnected())
            this.rejoinRetry.retry(atLeast);
    }
    onJoined(response) {
        this.state = ChannelState.joined;
        this.rejoinRetry.reset();
        this.leaveOld?.();
        this.leaveOld = undefined;
        for (const push of this.pushBuffer.splice(0))
            push.send();
        this.emit("join:ok", response);
        this.emit("ok", response);
    }
    onRefused(response) {
        this.retryJoin(retryAfter(response));
        this.emit("join:error", response);
        this.emit("error", response);
    }
    onJoinTimeout() {
        log(CHANNEL, "join of %s timed out", this.topic);
        if (this.socket.isAlive())
            this.socket.push(this.leaveMessage());
        this.retryJoin();
        this.emit("join:timeout");
        this.emit("timeout");
    }
    fail(reason) {
        log(CHANNEL, "error %s", this.topic, reason);
        this.joinPush.cancel();
        this.retryJoin();
        this.emit("_error", reason, 0, this.getJoinRef());
    }
    close(reason) {
        if (this.isClosed())
            return;
        log(CHANNEL, "close %s", this.topic, reason);
        this.state = ChannelState.closed;
        this.rejoinRetry.reset();
        this.joinPush.cancel();
        this.pushBuffer = [];
        this.socket.remove(this);
        this.emit("_close", reason, 0, this.getJoinRef());
    }
    makeLeavePush(timeout) {
        const push = new Push(this.socket, this, "_leave", {}, timeout);
        const left = () => {
            if (this.isLeaving() && this.leavePush === push)
                this.close("leave");
        };
        return push.on("ok", left).on("error", left).on("timeout", left);
    }
    leaveMessage() {
        return { ref: this.socket.nextRef(), joinRef: this.getJoinRef(), topic: this.topic, event: "_leave", payload: {} };
    }
    leaveOn(transport) {
        const frame = encode(this.leaveMessage());
        return () => this.socket.sendOver(transport, frame);
    }
    hook(event, payload, ref, joinRef) {
        if (!this.options.onMessage)
            return payload;
        const seen = this.options.onMessage(event, payload, ref, joinRef);
        if (seen === undefined && payload !== null)
            throw new Error("onMessage must return the payload, changed or not");
        return seen;
    }
}
exports.Channel = Channel;
class Push {
    constructor(socket, channel, event, payload, timeout) {
        this.socket = socket;
        this.channel = channel;
        this.event = event;
        this.payload = payload;
        this.timeout = timeout;
        this.joinRef = 0;
        this.sent = false;
        this.events = new Events();
        this.ref = socket.nextRef();
    }
    getRef() {
        return this.ref;
    }
    getTimeout() {
        return this.timeout;
    }
    on(status, callback) {
        const { received } = this;
        if (received?.status === status)
            queueMicrotask(() => guarded(() => callback(received.response)));
        else
            this.events.on(status, callback);
        return this;
    }
    send() {
        const { ref, event, payload, channel } = this;
        this.startTimeout();
        this.sent = true;
        this.joinRef = channel.getJoinRef();
        this.socket.expectReply(this);
        const body = typeof payload === "function" ? payload() : payload;
        this.socket.push({ ref, joinRef: this.joinRef, topic: channel.getTopic(), event, payload: body });
    }
    resend(timeout = this.timeout) {
        this.reset(timeout);
        this.send();
    }
    reset(timeout) {
        this.cancel();
        this.received = undefined;
        this.sent = false;
        this.timeout = timeout;
        this.ref = this.socket.nextRef();
    }
    isSent() {
        return this.sent;
    }
    startTimeout() {
        this.timer ?? (this.timer = later(() => this.settle("timeout", {}), this.timeout));
    }
    cancel() {
        clearTimeout(this.timer);
        this.timer = undefined;
        this.socket.forgetReply(this);
    }
    onReply(message) {
        if (message.joinRef === this.joinRef)
            this.channel.onReply(this, message);
    }
    settle(status, response) {
        this.cancel();
        this.received = { status, response };
        this.events.emit(status, response);
    }
}
exports.Push = Push;
const has = (state, key) => Object.prototype.hasOwnProperty.call(state, key);
const presenceOf = (state, key) => (has(state, key) ? state[key] : undefined);
const clone = (value) => JSON.parse(JSON.stringify(value));
function put(state, key, value) {
    Object.defineProperty(state, key, { value, configurable: true, enumerable: true, writable: true });
}
function without(metas, others) {
    const refs = new Set(others.map((meta) => meta.phx_ref));
    return metas.filter((meta) => !refs.has(meta.phx_ref));
}
class Presence {
    constructor(channel, { events } = {}) {
        this.channel = channel;
        this.state = {};
        this.pendingDiffs = [];
        this.joined = () => undefined;
        this.left = () => undefined;
        this.synced = () => undefined;
        this.joinHeard = (...args) => guarded(() => this.joined(...args));
        this.leaveHeard = (...args) => guarded(() => this.left(...args));
        const { state, diff } = events ?? { state: "presence_state", diff: "presence_diff" };
        channel.on(state, (next) => this.onState(next));
        channel.on(diff, (next) => this.onDiff(next));
        channel.on("join:ok", () => (this.pendingDiffs = []));
    }
    onJoin(callback) {
        this.joined = callback;
    }
    onLeave(callback) {
        this.left = callback;
    }
    onSync(callback) {
        this.synced = callback;
    }
    list(chooser) {
        return Presence.list(this.state, chooser);
    }
    inPendingSyncState() {
        return !this.joinRef || this.joinRef !== this.channel.getJoinRef();
    }
    static syncState(current, next, onJoin, onLeave) {
        const joins = {};
        const leaves = {};
        for (const key of Object.keys(current)) {
            const metas = without(current[key].metas, presenceOf(next, key)?.metas ?? []);
            if (metas.length > 0 || !has(next, key))
                put(leaves, key, { ...current[key], metas });
        }
        for (const key of Object.keys(next)) {
            const metas = without(next[key].metas, presenceOf(current, key)?.metas ?? []);
            if (metas.length > 0 || !has(current, key))
                put(joins, key, { ...next[key], metas });
        }
        return Presence.syncDiff(clone(current), { joins, leaves }, onJoin, onLeave);
    }
    static syncDiff(state, diff, onJoin, onLeave) {
        const { joins, leaves } = clone(diff);
        for (const key of Object.keys(joins)) {
            const current = presenceOf(state, key);
            const kept = without(current?.metas ?? [], joins[key].metas);
            put(state, key, { ...joins[key], metas: [...kept, ...joins[key].metas] });
            onJoin?.(key, current, joins[key]);
        }
        for (const key of Object.keys(leaves)) {
            const current = presenceOf(state, key);
            if (!current)
                continue;
            current.metas = without(current.metas, leaves[key].metas);
            onLeave?.(key, current, leaves[key]);
            if (current.metas.length === 0)
                delete state[key];
        }
        return state;
    }
    static list(state, chooser = (_, presence) => presence) {
        return Object.keys(state).map((key) => chooser(key, state[key]));
    }
    onState(next) {
        this.joinRef = this.channel.getJoinRef();
        this.state = Presence.syncState(this.state, next, this.joinHeard, this.leaveHeard);
        for (const diff of this.pendingDiffs.splice(0))
            this.apply(diff);
        guarded(this.synced);
    }
    onDiff(diff) {
        if (this.inPendingSyncState())
            return void this.pendingDiffs.push(diff);
        this.apply(diff);
        guarded(this.synced);
    }
    apply(diff) {
        this.state = Presence.syncDiff(this.state, diff, this.joinHeard, this.leaveHeard);
    }
}
exports.Presence = Presence;
return exports;
})({});
if (typeof module === "object" && module.exports) module.exports = chain;
// The exports are code in a module, and text in a classic script.
0 && await /`/; export const { Channel, Events, History, MessageKindEnum, Options, Presence, Push, Retry, Socket, TransportSSE, TransportWebSocket, Transports, decode, encode, log } = chain; //`;
//# sourceMappingURL=chain.js.map
