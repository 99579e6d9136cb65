// The same service on npm's `socket.io`, over WebSocket only, with its own rooms and acknowledgements.
import { Server } from "socket.io";

const server = new Server(Number(process.argv[2]), { transports: ["websocket"], perMessageDeflate: false });

server.on("connection", (socket) => {
  socket.on("join", (topic, done) => { socket.join(topic); done({}); });
  socket.on("leave", (topic, done) => { socket.leave(topic); done({}); });
  socket.on("shout", (topic, payload) => server.to(topic).emit("shout", topic, payload));
  socket.on("echo", (topic, payload, done) => done(payload));
});
