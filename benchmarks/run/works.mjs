// The kinds of work, as a table: which servers do them, with which options of the load generator.
// `runs`, `messages` and the like are scaled by the profile: see profiles.

export const profiles = {
  full: { runs: 5, scale: 1, idle: [1000, 10_000], bigFanOut: true },
  quick: { runs: 1, scale: 0.1, idle: [1000], bigFanOut: false },
};

const all = ["floor", "chain", "beast", "ws", "socket.io"];
const own = ["floor", "chain"];

const fanOut = (servers, connections, size, window, deliveries) => ({
  label: `fan-out to ${connections}, ${size} B, window ${window}`,
  servers,
  args: { work: "fan-out", connections, size, window },
  // At least four windows, whatever the scale.
  messages: (scale) => Math.max(4 * window, Math.round((deliveries * scale) / connections)),
});

/** name -> a function of the profile that gives the cases of that kind. */
export const works = {
  "fan-out": ({ bigFanOut }) => [
    ...[1, 16, 64].map((window) => fanOut(all, 1000, 128, window, window === 1 ? 500_000 : 2_000_000)),
    ...[1, 16, 64].map((window) => fanOut(own, 1000, 4096, window, 500_000)),
    ...[1, 16, 64].map((window) => fanOut(own, 100, 128, window, window === 1 ? 200_000 : 1_000_000)),
    ...(bigFanOut ? [1, 16, 64].map((window) => fanOut(own, 9500, 128, window, 1_500_000)) : []),
  ],
  rooms: () => [{
    label: "1000 connections in 50 rooms, 128 B, window 4 in each",
    servers: all,
    args: { work: "fan-out", connections: 1000, rooms: 50, size: 128, window: 4 },
    messages: (scale) => Math.max(50 * 16, Math.round(50_000 * scale)),
  }],
  requests: () => [1, 16].map((window) => ({
    label: `request and reply, 100 connections, depth ${window}`,
    servers: all,
    args: { work: "requests", connections: 100, size: 128, window },
    messages: (scale) => Math.max(100 * 4 * window, Math.round(200_000 * scale)),
  })),
  churn: () => [{
    label: "connect, join, leave, close",
    servers: all,
    args: { work: "churn", connections: 1 },
    messages: (scale) => Math.max(200, Math.round(5000 * scale)),
  }],
  idle: ({ idle }) => idle.map((connections) => ({
    label: `idle, ${connections} sessions`,
    figure: "bytes_per_session",
    servers: all,
    once: true,
    args: { work: "idle", connections },
  })),
  cycles: ({ bigFanOut }) => [{
    label: `memory after 10 cycles of ${bigFanOut ? 9500 : 1000} connections, over that of the first`,
    figure: "last_over_first",
    servers: ["chain"],
    once: true,
    args: { work: "cycles", connections: bigFanOut ? 9500 : 1000 },
  }],
  deaf: () => [0, 1].map((deaf) => ({
    label: `fan-out to 1000, ${deaf} of them never read`,
    servers: ["chain"],
    args: { work: "fan-out", connections: 1000, size: 128, window: 16, deaf },
    messages: (scale) => Math.max(64, Math.round(2000 * scale)),
  })),
  lanes: () => [{ ...fanOut(["chain", "chain-2-lanes"], 1000, 128, 16, 2_000_000), label: "fan-out to 1000, one lane and two" }],
};
