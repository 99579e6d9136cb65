type Listener = (...args: any[]) => void;
type Args<M, K> = K extends keyof M ? (M[K] extends any[] ? M[K] : any[]) : any[];
/**
 * Switches of `log`. `Debug` switches every group that has no switch of its own; `Debug<Group>` switches one.
 * The library's own groups are `Socket`, `Channel` and `Transport`, silent at first: `chain.Options.DebugSocket = true`.
 */
export declare const Options: {
    Debug: boolean;
    [key: string]: any;
};
/** Writes to the console when `Options` says so: `log(group, template, ...values)`; group and template may be left out. */
export declare function log(group: any, ...params: any[]): void;
/** Named events and their listeners; `M` maps the names to the listeners' parameters. */
export declare class Events<M = any> {
    private readonly listeners;
    /** Calls every listener of the event; one that throws does not keep the others from being called. */
    emit(event: string, ...args: any[]): void;
    on<K extends string>(event: K, callback: (...args: Args<M, K>) => void): this;
    /** Removes a listener; without `callback`, all listeners of the event. */
    off(event: string, callback?: Listener): this;
}
/** Element 0 of a frame. */
export declare enum MessageKindEnum {
    PUSH = 0,
    REPLY = 1,
    BROADCAST = 2,
    ACK = 3
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
export declare function encode(message: Partial<Message>): string;
/** The message of a frame; throws an `Error` when the text is not a frame of the protocol. */
export declare function decode(rawMessage: string): Message;
/**
 * Calls back after growing delays. Each delay is a random part of its interval, between half and all of it, so that
 * clients that failed together do not come back together.
 */
export declare class Retry {
    private readonly callback;
    private count;
    private timer?;
    private earliest;
    private readonly intervals;
    /** `callback` gets the number of the try, from 1; `intervals` are milliseconds, the longest one repeats. */
    constructor(callback: (tries: number) => void, intervals: number[]);
    tries(): number;
    /** The interval of the next try, in ms, before the random part is taken. */
    lastInterval(): number;
    /** Schedules the next try, in place of one that is scheduled; `atLeast` ms are added to its delay. */
    retry(atLeast?: number): void;
    /** Does a scheduled try now; `patient`: unless a demanded delay is not over yet. */
    hasten(patient?: boolean): void;
    /** Drops a scheduled try and keeps the count. */
    cancel(): void;
    reset(): void;
    private fire;
}
/**
 * Remembers keys for some seconds, to find duplicates:
 *
 *     const history = new chain.History(5);
 *     new chain.Socket({ duplicated: (message) => history.exists(message.payload.id) });
 */
export declare class History {
    private readonly expiries;
    private readonly ttl;
    constructor(ttlSeconds?: number);
    /** Whether the key was seen within the last seconds; it is remembered anew. A missing key was never seen. */
    exists(key: unknown): boolean;
    private expire;
}
/**
 * A session as its client knows it, for a connection that is to go on with it: the frames of both directions are counted, and
 * those sent are kept until the server has confirmed them. Without a token the connection asks for a session.
 */
declare class ResumeState {
    private secret;
    private known?;
    private windowMs;
    private tries;
    private got;
    private acknowledged;
    private count;
    private kept;
    private size;
    /** What the client shows to get its session back; empty when it has none. */
    get token(): string;
    /** How many of the server's frames have arrived. */
    get received(): number;
    /** How many frames were sent. */
    get sent(): number;
    get attempt(): number;
    /** Whether the server is known not to resume. */
    get isPlain(): boolean;
    /** For how long the server keeps the session without a connection, in ms. */
    get window(): number;
    private drop;
}
/** Query parameters of a connection. */
export type Params = {
    [key: string]: any;
};
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
    new (url: string, init?: {
        withCredentials?: boolean;
    }): EventSourceLike;
}
/** What the client uses of the answer of `fetch`; of its body only where an event stream is read with it. */
export interface ResponseLike {
    readonly status: number;
    readonly headers: {
        get(name: string): string | null;
    };
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
export declare class TransportWebSocket extends Events implements Transport {
    private readonly config;
    static isSupported({ WebSocket }: TransportConfig): boolean;
    readonly heartbeat = true;
    readonly acks = true;
    private target;
    private ws?;
    constructor(config: TransportConfig);
    endpoint(): string;
    connect(endpoint: string): void;
    send(data: string): void;
    close(code?: number, reason?: string): void;
    /** What is offered as subprotocols: tokens, which in the query would end in logs. */
    private protocols;
}
/**
 * Frames as server-sent events of `{endpoint}/sse`; what the client says goes there in POSTs. The session belongs to the
 * browser tab, which the server knows by `sid` and a cookie, and outlives an interruption of the stream.
 */
export declare class TransportSSE extends Events implements Transport {
    private readonly config;
    static isSupported({ EventSource, authToken }: TransportConfig): boolean;
    readonly heartbeat = true;
    private target;
    private isOpen;
    private source?;
    private posts?;
    constructor(config: TransportConfig);
    endpoint(): string;
    connect(endpoint: string): void;
    send(data: string, counted?: boolean): void;
    close(code?: number): void;
    private readonly fetch;
    private get credentials();
    private makeSource;
    private makePosts;
    private opened;
    /**
     * A stream that was open and broke is opened again by the EventSource; everything else is the client's to repeat. So is a
     * resume: the EventSource knows nothing of tokens.
     */
    private failed;
    private end;
}
/** The transports by name. An application may add its own. */
export declare const Transports: {
    [name: string]: TransportConstructor;
};
/** Why a connection, or a try to connect, ended. */
export interface CloseInfo {
    /** The close code, 1006 when there was none. */
    code: number;
    reason: string;
    /** Whether the client tries again by itself. */
    reconnecting: boolean;
}
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
/** The client's side of a session: one connection that is kept open, and the channels over it. */
export declare class Socket extends Events<SocketEvents> {
    private ref;
    private channels;
    private idleTimer?;
    private sendBuffer;
    private transports?;
    private session;
    private isUp;
    private verdict?;
    private windowTimer?;
    private transport?;
    private ackTimer?;
    private readonly sessions;
    private readonly pending;
    private readonly options;
    private readonly storage;
    private readonly tab;
    private readonly link;
    private readonly heartbeat;
    private readonly asides;
    private readonly wakeUp;
    /** `endpoint` is a path or a URL, `/socket` when neither it nor `getNodes` is given. Nothing connects yet. */
    constructor(endpoint: string, options?: SocketOptions);
    constructor(options?: SocketOptions);
    /** Connects and keeps connected until `disconnect`; called while it waits to reconnect, it tries at once. */
    connect(): void;
    /** Closes the connection. Channels stay and join again after the next `connect`. */
    disconnect(): void;
    isConnected(): boolean;
    /** A new channel for the topic; connects when needed. `params` (or what the function returns) goes with each join. */
    channel(topic: string, params?: any, options?: ChannelOptions): Channel;
    /** Leaves the topic's channel, if there is one. */
    leave(topic: string): void;
    /** Sends a message of the application's own making; while not connected it is kept until there is a connection. */
    push(message: Partial<Message>): void;
    /** A ref that this socket has not used yet. */
    nextRef(): number;
    getTimeout(): number;
    getRejoinInterval(): number[];
    getSession(key: string): string | null;
    storeSession(key: string, value: string): void;
    private makeLink;
    private createTransport;
    private makeChoice;
    private disconnectWhenIdle;
    private onUp;
    /** The server says first whether the session goes on. One that says nothing does not know how. */
    private awaitVerdict;
    private settleVerdict;
    /** A session begins: the channels join. */
    private begin;
    /** The session goes on: what the server has not received is sent again. */
    private goOn;
    /** The session has ended with its connection: another one begins. */
    private beginAnew;
    private opened;
    private startHeartbeat;
    private flush;
    private transmit;
    private onDown;
    /** The server keeps the session for a while: so long the channels stay joined. */
    private awaitReturn;
    private stopWindow;
    private endSession;
    private onWakeUp;
    private sendHeartbeat;
    private refresh;
    /** Whether it answers what was asked on the protocol's own topic: such a reply is not counted. */
    private isAside;
    private onFrame;
    private onSession;
    /** Counts a frame of the server, and acknowledges what has arrived, now or soon. */
    private count;
    private acknowledge;
    private onMessage;
    private isDuplicate;
}
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
/** One topic, made by `Socket.channel`. */
export declare class Channel extends Events<ChannelEvents> {
    private readonly topic;
    private readonly socket;
    private readonly options;
    private state;
    private joinedOnce;
    private timeout;
    private pushBuffer;
    private leavePush?;
    private leaveOld?;
    private readonly joinPush;
    private readonly rejoinRetry;
    getTopic(): string;
    /** The ref of the newest join. */
    getJoinRef(): number;
    /**
     * Joins, and joins again after each failure until `leave`. Listen with `on("ok" | "error" | "timeout", ...)`.
     * Another channel of this socket with the same topic is left. Throws when the channel is joined or joining already.
     */
    join(timeout?: number): this;
    /** Ends the membership. `ok` when the server has confirmed, or when there was nothing to confirm. */
    leave(timeout?: number): Push;
    /** Sends an event; before the channel is joined it is kept, but not past its timeout. */
    push(event: string, payload?: any, timeout?: number): Push;
    /** Whether a push is sent at once. */
    canPush(): boolean;
    /** Calls back when the channel is closed, by `leave` or by the server. Returns a function that ends this. */
    onClose(callback: (reason: any, ref?: number, joinRef?: number) => void): () => void;
    /** Calls back when the channel fails on the server; it joins again by itself. Returns a function that ends this. */
    onError(callback: (reason: any, ref?: number, joinRef?: number) => void): () => void;
    isClosed(): boolean;
    isErrored(): boolean;
    isJoined(): boolean;
    isJoining(): boolean;
    isLeaving(): boolean;
    /** The server has ended the membership, whatever the application's hook makes of it. */
    private onEnded;
    private rejoin;
    private unbuffer;
    private retryJoin;
    private onJoined;
    private onRefused;
    /** The server may have joined all the same: it is told to forget that. */
    private onJoinTimeout;
    private fail;
    private close;
    private makeLeavePush;
    private leaveMessage;
    private leaveOn;
    private hook;
}
export interface PushEvents {
    ok: [response: any];
    error: [response: any];
    timeout: [response: any];
}
/** One message to the server, and its answer. */
export declare class Push {
    private readonly socket;
    private readonly channel;
    private readonly event;
    private readonly payload;
    private timeout;
    private ref;
    private joinRef;
    private timer?;
    private sent;
    private received?;
    private readonly events;
    getRef(): number;
    getTimeout(): number;
    /** Calls back with the answer (`ok`, `error`), or when none came in time (`timeout`); also when that is past. */
    on<K extends keyof PushEvents>(status: K, callback: (response: any) => void): this;
    /** Sends the message. */
    send(): void;
    /** Sends the message anew, as another message. */
    resend(timeout?: number): void;
}
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
export type PresenceState = {
    [key: string]: PresenceEntry;
};
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
    events?: {
        state: string;
        diff: string;
    };
}
/**
 * Who is in a channel's topic, kept current from what the server sends:
 *
 *     const presence = new chain.Presence(channel);
 *     presence.onSync(() => show(presence.list((name, { metas }) => `${name} (${metas.length})`)));
 *     channel.join();
 */
export declare class Presence {
    readonly channel: Channel;
    state: PresenceState;
    private pendingDiffs;
    private joinRef?;
    private joined;
    private left;
    private synced;
    constructor(channel: Channel, { events }?: PresenceOptions);
    /** Calls back for each key that comes, or that comes once more. */
    onJoin(callback: PresenceJoin): void;
    /** Calls back for each key that goes, or that goes once. */
    onLeave(callback: PresenceLeave): void;
    /** Calls back when all of a message of the server was taken in. */
    onSync(callback: () => void): void;
    /** All presences, or what `chooser` makes of each. */
    list(): PresenceEntry[];
    list<T>(chooser: (key: string, presence: PresenceEntry) => T): T[];
    /** Whether the state of the current membership has not come yet. */
    inPendingSyncState(): boolean;
    /** A copy of `current` that was brought to `next`, after the callbacks for each difference. */
    static syncState(current: PresenceState, next: PresenceState, onJoin?: PresenceJoin, onLeave?: PresenceLeave): PresenceState;
    /** Changes `state` by `diff`, with the callbacks for each key, and returns it. */
    static syncDiff(state: PresenceState, diff: PresenceDiff, onJoin?: PresenceJoin, onLeave?: PresenceLeave): PresenceState;
    /** The presences of a state, or what `chooser` makes of each. */
    static list(state: PresenceState): PresenceEntry[];
    static list<T>(state: PresenceState, chooser?: (key: string, presence: PresenceEntry) => T): T[];
    private onState;
    private onDiff;
    private apply;
    private readonly joinHeard;
    private readonly leaveHeard;
}
export {};
export as namespace chain;
