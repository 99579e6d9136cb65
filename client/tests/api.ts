// Uses the documented interface; it must compile, and the lines marked as errors must not.
import * as chain from "../dist/chain";

const history = new chain.History(5);
const options: chain.SocketOptions = {
    getNodes: async () => ["/socket"],
    getNodesInterval: 30,
    transport: ["WebSocket", { name: "SSE", cors: true, params: { a: 1 } }],
    params: () => ({ token: "t" }),
    authToken: async () => "t",
    timeout: 30000,
    rejoinInterval: [1000, 2000],
    reconnectInterval: [500],
    connectTimeout: 10000,
    heartbeatInterval: 30000,
    heartbeatTimeout: 10000,
    disconnectIdleTimeout: 5000,
    dropNodeConnectionAfter: 5000,
    duplicated: (message: chain.Message) => history.exists(message.payload.messageId),
    sessionStorage: window.sessionStorage,
    WebSocket,
    EventSource,
    fetch,
};

const socket: chain.Socket = new chain.Socket(options);
new chain.Socket("/socket");
new chain.Socket("/socket", { authToken: "t" });
new chain.Socket("/socket", { timeout: 1000 }).connect();
socket.connect();
const connected: boolean = socket.isConnected();
socket
    .on("open", (transport) => chain.log("App", transport.endpoint()))
    .on("close", ({ code, reason, reconnecting }) => chain.log("App", code.toFixed(), reason.trim(), reconnecting === true))
    .on("error", (info: chain.CloseInfo) => chain.log("App", info))
    .on("message", (message) => chain.log(message.event.length, message.payload_raw))
    .off("open");

interface Shout {
    text: string;
}
const channel: chain.Channel = socket.channel("chat:lobby", { name: "Ada" }, { onMessage: (_event, payload) => payload });
channel
    .join(5000)
    .on("ok", (response) => chain.log("Join", response))
    .on("error", (response) => chain.log("Join", response.reason))
    .on("timeout", () => chain.log("Join", "timed out"))
    .on("shout", (message: Shout, ref: number, joinRef: number) => chain.log(message.text, ref, joinRef));
const push: chain.Push = channel.push("shout", { text: "hi" }, 1000);
push.on("ok", (reply) => chain.log(reply)).on("error", () => undefined).on("timeout", () => undefined);
const off: () => void = channel.onClose((reason) => chain.log(reason));
off();
channel.onError(() => undefined)();
const states: boolean[] = [channel.isClosed(), channel.isErrored(), channel.isJoined(), channel.isJoining(), channel.isLeaving()];
channel.leave().on("ok", () => socket.disconnect());
const reference: number = channel.getJoinRef() + push.getRef();

class Mine extends chain.Events<chain.Transport> implements chain.Transport {
    constructor(readonly config: chain.TransportConfig) {
        super();
    }
    connect(): void {
        this.emit("open", this);
    }
    endpoint(): string {
        return "/socket";
    }
    send(_data: string): void {}
    close(): void {}
}
chain.Transports["Mine"] = Mine;
chain.Options.Debug = false;
const retry = new chain.Retry((tries: number) => tries, [1, 500]);
retry.retry();
retry.reset();
const numbers: number[] = [retry.tries(), retry.lastInterval()];
const message: chain.Message = chain.decode(chain.encode({ topic: "t", event: "e", payload: {}, ref: 1, joinRef: 1 }));
const isPush: boolean = message.kind === chain.MessageKindEnum.PUSH;

const presence = new chain.Presence(channel, { events: { state: "who", diff: "who_changed" } });
presence.onJoin((key, current, joined) => chain.log(key, current?.metas.length, joined.metas[0].phx_ref));
presence.onLeave((key, current, left) => chain.log(key, current.metas.length, left.metas[0].mood));
presence.onSync(() => undefined);
const tabs: number[] = presence.list((_, { metas }) => metas.length);
const people: chain.PresenceEntry[] = chain.Presence.list(chain.Presence.syncState({}, presence.state));

// @ts-expect-error an endpoint is a text
new chain.Socket(5);
// @ts-expect-error no such option
new chain.Socket({ endpoint: "/socket" });
// @ts-expect-error a topic is needed
socket.channel();
// @ts-expect-error an answer has one of three names
push.on("done", () => undefined);
// @ts-expect-error the listener of open gets a transport
socket.on("open", (transport: string) => transport);
// @ts-expect-error members that are not for applications are not declared
socket.expectReply(push);

export { connected, states, reference, numbers, isPush, tabs, people };
