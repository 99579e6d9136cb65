// What the tests with the npm package `phoenix` share.

import assert from "node:assert/strict";

const STATUSES = ["ok", "error", "timeout", "teapot"];

/** What a push or a join comes to: its status and its response. */
export function outcome(push) {
  return new Promise((resolve) => {
    for (const status of STATUSES) push.receive(status, (response) => resolve([status, response]));
  });
}

/** A channel that is joined. */
export async function joined(socket, topic, params = {}) {
  const channel = socket.channel(topic, params);
  const [status] = await outcome(channel.join());
  assert.equal(status, "ok");
  return channel;
}

/** The next payload of an event. */
export function next(channel, event) {
  return new Promise((resolve) => {
    const ref = channel.on(event, (payload) => {
      channel.off(event, ref);
      resolve(payload);
    });
  });
}
