// The same service on npm's `ws`: each broadcast is encoded once, and sent to each client of its room.
import { WebSocketServer } from "ws";

const rooms = new Map();
const room = (topic) => rooms.get(topic) ?? rooms.set(topic, new Set()).get(topic);

const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]), perMessageDeflate: false });

server.on("connection", (client) => {
  const joined = new Set();
  const reply = (joinRef, ref, payload) => client.send(JSON.stringify([1, joinRef, ref, 0, payload]));
  client.on("message", (data) => {
    const [, joinRef, ref, topic, event, payload] = JSON.parse(data);
    if (event === "shout") {
      const frame = Buffer.from(JSON.stringify([2, topic, event, payload]));
      for (const member of room(topic)) member.send(frame, { binary: false });
    } else if (event === "echo") {
      reply(joinRef, ref, payload);
    } else if (event === "_join") {
      joined.add(topic);
      room(topic).add(client);
      reply(joinRef, ref, {});
    } else if (event === "_leave") {
      room(topic).delete(client);
      reply(joinRef, ref, {});
    }
  });
  client.on("close", () => joined.forEach((topic) => room(topic).delete(client)));
  client.on("error", () => {});
});
