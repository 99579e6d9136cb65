// The kinds of work, as a table: which servers do them, with which options of the load generator.
// `messages` are scaled by the profile, which also has the most runs of a row: see profiles. Runs that are
// much shorter than a second say little: a shared machine's speed changes in phases of seconds.

import { isBuilt } from "./processes.mjs";

export const profiles = {
  full: { runs: 25, scale: 1, connections: 1000, few: 100, idle: [1000, 10_000], big: 10_000, topics: [1000, 10_000, 100_000, 1_000_000] },
  quick: { runs: 1, scale: 0.02, connections: 100, idle: [100], topics: [100, 10_000] },
};

/** A row of a case: a server of processes.mjs, under a name, with options of its own for the load generator. */
const row = (name, server = name, args = {}) => ({ name, server, args });
// The first of a case is what the others are compared with. Slow ones get a share of the work.
const own = [row("floor"), row("chain")];
const fast = [...own, ...(isBuilt("uws") ? [row("uWebSockets", "uws")] : [])];
// Those with the narrowest aims have the most runs.
const narrow = 25;
const allWith = (share) => [...fast, ...["beast", "ws", "socket.io"].map((name) => ({ ...row(name), share, runs: 3 }))];
const all = allWith(0.1);

const fanOut = (rows, connections, size, window, deliveries) => ({
  label: `fan-out to ${connections}, ${size} B, window ${window}`,
  rows,
  args: { work: "fan-out", connections, size, window },
  // At least four windows, whatever the scale.
  messages: (scale) => Math.max(4 * window, Math.round((deliveries * scale) / connections)),
});
const named = (label, one) => ({ ...one, label });
const times = (runs, cases) => cases.map((one) => ({ ...one, runs }));
const thrice = (cases) => times(3, cases);
const windows = (rows, connections, size, deliveries) =>
  [1, 16, 64].map((window) => fanOut(rows, connections, size, window, window === 1 ? deliveries / 3 : deliveries));

const requests = (rows, window, replies, connections = 100) => ({
  label: `request and reply, ${connections} connections, depth ${window}`,
  rows,
  runs: window === 1 ? 15 : narrow,
  args: { work: "requests", connections, size: 128, window },
  messages: (scale) => Math.max(connections * 4 * window, Math.round(replies * scale)),
});

const idle = (rows, connections) => ({
  label: `idle, ${connections} sessions`, figure: "bytes_per_session", runs: 3, rows, args: { work: "idle", connections },
});

/** name -> a function of the profile that gives the cases of that kind. */
export const works = {
  "fan-out": ({ connections, few, big }) => [
    ...windows(all, connections, 128, 1_500_000).map((one) => ({ ...one, runs: one.args.window === 16 ? narrow : 9 })),
    ...thrice(windows(own, connections, 4096, 400_000)),
    ...(few ? thrice(windows(own, few, 128, 600_000)) : []),
    ...(big ? thrice(windows(own, big, 128, 1_000_000)) : []),
  ],
  rooms: ({ connections }) => [{
    label: `${connections} connections in 50 rooms, 128 B, window 4 in each`,
    rows: all,
    args: { work: "fan-out", connections, rooms: 50, size: 128, window: 4 },
    messages: (scale) => Math.max(50 * 16, Math.round(50_000 * scale)),
  }],
  topics: ({ connections, topics }) => [{
    label: `an operation with so many topics, ${connections} connections`,
    // The same connections and server in all rows: the first and the last are what is aimed at.
    rows: topics.map((rooms, i) => ({
      ...row(`${rooms.toLocaleString("en")} topics`, "chain-1000-topics", { rooms }),
      runs: i === 0 || i === topics.length - 1 ? 5 : 3,
    })),
    args: { work: "topics", connections, size: 128, window: 16 },
    messages: (scale) => Math.max(64, Math.round(50_000 * scale)),
  }],
  requests: () => [requests(all, 1, 100_000), requests(allWith(0.0125), 16, 800_000)],
  churn: () => [{
    label: "connect, join, leave, close",
    rows: allWith(0.05),
    runs: narrow,
    args: { work: "churn", connections: 1 },
    messages: (scale) => Math.max(200, Math.round(10_000 * scale)),
  }],
  idle: ({ idle: counts, big, fileLimit }) => [
    ...counts.map((connections) => idle(all, connections)),
    // As many as the file limit allows, which leaves room for what else has descriptors.
    ...(big && fileLimit > 2 * big - 1 ? [idle(own, Math.min(50_000, fileLimit - 500))] : []),
  ],
  cycles: ({ connections, big = connections }) => [{
    label: `memory after 10 cycles of ${big} connections, over that of the first`,
    figure: "last_over_first",
    rows: [row("chain")],
    runs: 1,
    args: { work: "cycles", connections: big },
  }],
  deaf: ({ connections }) => times(15, [named(`fan-out to ${connections}, one of them never reads`,
    fanOut([row("all read", "chain"), row("one does not", "chain", { deaf: 1 })], connections, 128, 16, 1_500_000))]),
  lanes: ({ connections }) => times(narrow, [named(`fan-out to ${connections}, one lane and two`,
    fanOut([row("one lane", "chain"), row("two lanes", "chain-2-lanes")], connections, 128, 16, 1_500_000))]),
  dialects: ({ connections }) => {
    const rows = [row("chain"), row("Phoenix V1", "chain", { dialect: "phoenix-v1" }), row("Phoenix V2", "chain", { dialect: "phoenix-v2" })];
    return thrice([named(`dialects: fan-out to ${connections}, 128 B, window 16`, fanOut(rows, connections, 128, 16, 1_000_000)),
                   named("dialects: request and reply, 100 connections, depth 16", requests(rows, 16, 400_000))]);
  },
  carriers: ({ connections }) => {
    const rows = [row("WebSocket", "chain"), row("SSE", "chain", { carrier: "sse" }), row("long-poll", "chain", { carrier: "longpoll" })];
    return [...thrice([named(`carriers: fan-out to ${connections}, 128 B, window 16`, fanOut(rows, connections, 128, 16, 300_000))]),
            named(`carriers: idle, ${connections} sessions`, idle(rows.slice(0, 2), connections))];
  },
  tls: ({ connections }) => {
    const rows = [row("plain", "chain"), row("TLS", "chain-tls", { tls: 1 })];
    return [...thrice([named(`TLS: fan-out to ${connections}, 128 B, window 16`, fanOut(rows, connections, 128, 16, 400_000))]),
            named(`TLS: idle, ${connections} sessions`, idle(rows, connections))];
  },
  deflate: ({ connections }) => {
    const rows = [row("plain", "chain"), row("permessage-deflate", "chain-deflate", { deflate: 1 })];
    return thrice([named(`permessage-deflate: fan-out to ${connections}, 4096 B, window 16`, fanOut(rows, connections, 4096, 16, 300_000))]);
  },
  storm: ({ connections }) => [{
    label: `presence: ${connections / 2} connections join one topic at once`,
    rows: [row("a diff for each", "chain"), row("diffs of 50 ms", "chain-presence-window")],
    runs: 3,
    args: { work: "storm", connections: connections / 2 },
  }],
  mounted: ({ connections }) => {
    const rows = [row("Server", "chain"), row("mounted, declared lane", "mounted-lane"), row("mounted, strands", "mounted")];
    return [...thrice([named(`mounted: fan-out to ${connections}, 128 B, window 16`, fanOut(rows, connections, 128, 16, 500_000))]),
            named(`mounted: idle, ${connections} sessions`, idle(rows, connections))];
  },
};
