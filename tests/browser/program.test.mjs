// The chat's program at its command line: it says where it is, and what it cannot do.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatServer } from "./support.mjs";

/** At a port that the system chooses. */
class AnywhereServer extends ChatServer {
  words() {
    return ["0"];
  }
}

test("the address that the program prints is one that answers", async () => {
  const server = await AnywhereServer.start();
  try {
    assert.notEqual(server.port, 0);
    assert.equal((await fetch(server.url)).status, 200);
  } finally {
    assert.equal(await server.stop(), 0, server.output);
  }
});

for (const port of ["abc", "80x", "65536", "-1", " 80", ""]) {
  test(`"${port}" is refused as a port`, async () => {
    const { code, output } = await ChatServer.refused(port);
    assert.equal(code, 1);
    assert.match(output, /is not a port/);
    assert.match(output, /usage: chat \[port\]/);
    assert.doesNotMatch(output, /http:/);
  });
}

test("a port in use is refused in words, and no address is printed", async () => {
  const server = await ChatServer.start();
  try {
    const { code, output } = await ChatServer.refused(String(server.port));
    assert.equal(code, 1);
    assert.match(output, /cannot listen at port \d+: Address already in use/);
    assert.doesNotMatch(output, /http:|\.hpp/);
  } finally {
    await server.stop();
  }
});
