// The auth example: who has a token gets in, who has none does not and stops knocking, and no token is ever in an address.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { AuthServer, Browser, until } from "./support.mjs";

describe("the auth example", () => {
  let server, browser, visitor;

  before(async () => {
    server = await AuthServer.start();
    browser = await Browser.start();
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });
  beforeEach(async () => {
    visitor = await browser.window();
    await visitor.page.goto(server.url);
  });
  afterEach(() => visitor.close());

  async function knock(token, room) {
    await visitor.page.getByLabel("Your token").fill(token);
    await visitor.page.getByLabel("Room").selectOption(room);
    await visitor.page.getByRole("button", { name: "Enter" }).click();
  }

  const says = (text) => visitor.page.locator("#status", { hasText: text }).waitFor();
  const toEndpoint = () => visitor.requests.filter((url) => url.includes("/socket/"));
  const request = (cookie) => fetch(`${server.url}socket/sse`, { headers: { Cookie: cookie } });

  test("a good token is let in, and its user can talk in their room", async () => {
    await knock(server.tokens.Ann, "red");
    await says("Ann, you are in the room red.");
    await visitor.page.getByLabel("Say something").fill("hello");
    await visitor.page.getByRole("button", { name: "Say" }).click();
    await visitor.page.locator("#log li", { hasText: "Ann: hello" }).waitFor();
    assert.deepEqual(visitor.problems, []);
  });

  test("the token is in no address, and the page keeps it no longer than it connects", async () => {
    await knock(server.tokens.Ann, "red");
    await says("Ann, you are in the room red.");
    await until("the end of the cookie", async () => (await visitor.context.cookies(`${server.url}socket/`)).every(({ name }) => name !== "token"));
    await knock("Ann.9999999999.00", "red");
    await says("Not let in: bad token.");
    const addresses = [...visitor.requests, visitor.page.url()];
    assert.ok(toEndpoint().length >= 2);
    for (const address of addresses) assert.doesNotMatch(decodeURIComponent(address), /Ann\.|token/);
  });

  test("a bad token is refused with 403, and the page knocks no more", async () => {
    await knock(`${server.tokens.Ann}0`, "red");
    await says("Not let in: bad token.");
    const before = toEndpoint().length;
    assert.ok(before <= 12, `${before} requests: ${toEndpoint()}`); // 2 for each try until the page knows why
    await visitor.page.waitForTimeout(3000); // longer than chain.js waits before its first three tries
    assert.equal(toEndpoint().length, before);
  });

  test("a room that is not for its user is refused, and the page asks for it no more", async () => {
    const joins = [];
    visitor.page.on("websocket", (socket) => socket.on("framesent", ({ payload }) => /"_join"/.test(payload) && joins.push(payload)));
    await knock(server.tokens.Bob, "red");
    await says("Not let into the room red: this room is not for you.");
    await visitor.page.waitForTimeout(3000); // longer than chain.js waits before it joins again
    assert.equal(joins.length, 1);

    await knock(server.tokens.Bob, "blue");
    await says("Bob, you are in the room blue.");
  });

  test("forged, changed and malformed tokens are refused with 403, over every transport", async () => {
    const [name, expires, signature] = server.tokens.Ann.split(".");
    const bad = [
      "", "x", "..", "Ann", `Bob.${expires}.${signature}`, `${name}.${Number(expires) + 1}.${signature}`,
      `${name}.${expires}.${signature.toUpperCase()}`, `${name}.${expires}.`, `${name}.${expires}.${"0".repeat(signature.length)}`,
      `${name}.${expires}.${signature}0`,
    ];
    for (const token of bad) {
      const answer = await request(`token=${token}`);
      assert.equal(answer.status, 403, token);
      assert.deepEqual(await answer.json(), { reason: "bad token" });
    }
    assert.equal((await fetch(`${server.url}socket/sse?token=${server.tokens.Ann}`)).status, 403, "a token in the address");
    const handshake = { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==" };
    assert.equal(await server.handshake({ ...handshake, Cookie: "token=x" }), 403);
    assert.equal(await server.handshake({ ...handshake, Cookie: `token=${server.tokens.Ann}` }), 101);
    assert.equal(await server.handshake({ ...handshake, Cookie: `token=${server.tokens.Ann}`, Origin: "http://evil.example" }), 403);
  });

  test("a page that meets no server goes on trying, and gets in when it is back", async () => {
    await server.kill();
    await knock(server.tokens.Bob, "blue");
    await says("The server does not answer.");
    await server.start(); // its secret is a new one
    await says("Not let in: bad token.");
  });
});

for (const port of ["abc", "80x", "65536", "-1", ""]) {
  test(`the auth example refuses "${port}" as a port`, async () => {
    const { code, output } = await AuthServer.refused(port);
    assert.equal(code, 1);
    assert.match(output, /is not a port/);
    assert.match(output, /usage: auth \[port\]/);
  });
}
