// A port for a server whose program has to be told one.

import { createServer } from "node:net";

/** A port that is free now; none of those that the system gives to who asks for any (Linux: from 32768). */
export function freePort() {
  const port = 20_000 + Math.floor(Math.random() * 12_000);
  return new Promise((resolve) => {
    const server = createServer().listen(port, () => server.close(() => resolve(port)));
    server.once("error", () => resolve(freePort()));
  });
}
