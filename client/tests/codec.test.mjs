// Frames and the log.
import assert from "node:assert/strict";
import test from "node:test";
import { chain } from "./support.mjs";

test("a push is encoded as an array of six", () => {
    const message = { joinRef: 1, ref: 2, topic: "room:1", event: "shout", payload: { text: "a,b" } };
    assert.equal(chain.encode(message), '[0,1,2,"room:1","shout",{"text":"a,b"}]');
});

test("missing refs are 0 and a missing payload is null", () => {
    assert.equal(chain.encode({ topic: "room:1", event: "shout" }), '[0,0,0,"room:1","shout",null]');
});

test("a push is decoded with its payload's raw text", () => {
    assert.deepEqual(chain.decode('[0,1,0,"room:1","shout",{"a":[1,2],"b":"]"}]'), {
        kind: chain.MessageKindEnum.PUSH,
        joinRef: 1,
        ref: 0,
        topic: "room:1",
        event: "shout",
        payload: { a: [1, 2], b: "]" },
        payload_raw: '{"a":[1,2],"b":"]"}',
    });
});

test("a reply is decoded with status and response", () => {
    const ok = chain.decode('[1,4,5,0,{"a":1}]');
    assert.deepEqual(ok.payload, { status: "ok", response: { a: 1 } });
    assert.deepEqual([ok.joinRef, ok.ref, ok.event, ok.topic], [4, 5, "_reply", undefined]);
    assert.equal(ok.payload_raw, '{"a":1}');
    assert.equal(chain.decode('[1,4,5,1,{"reason":"no"}]').payload.status, "error");
});

test("a broadcast is decoded without refs", () => {
    const message = chain.decode('[2, "room:1", "shout", "hi, you"]');
    assert.deepEqual([message.kind, message.joinRef, message.ref], [2, 0, 0]);
    assert.deepEqual([message.topic, message.event, message.payload], ["room:1", "shout", "hi, you"]);
    assert.equal(message.payload_raw, '"hi, you"');
});

test("a frame without payload has the payload null", () => {
    assert.equal(chain.decode('[2,"room:1","shout"]').payload, null);
    assert.equal(chain.decode('[0,1,0,"room:1","shout"]').payload_raw, "");
});

test("an acknowledgement is decoded", () => {
    assert.equal(chain.decode("[3,32]").kind, chain.MessageKindEnum.ACK);
});

for (const text of ["", "{}", "null", "[]", "[9,1]", "[0]", '[0,1,2,"t",5]', '"text"', '{"event":"e"}']) {
    test(`decode refuses ${text || "an empty text"}`, () => {
        assert.throws(() => chain.decode(text));
    });
}

function consoleOf(t) {
    return t.mock.method(console, "log", () => undefined).mock;
}

test("log writes an application's group and not the library's own", (t) => {
    const written = consoleOf(t);
    chain.log("Chat", "joined %s", "room");
    chain.log("Socket", "connected");
    chain.log("Chat", { a: 1 });
    chain.log({ b: 2 });
    assert.deepEqual(
        written.calls.map((call) => call.arguments),
        [
            ["     Chat: joined %s", "room"],
            ["     Chat: ", { a: 1 }],
            ["         : ", { b: 2 }],
        ],
    );
});

test("Options switches a group, or all", (t) => {
    const written = consoleOf(t);
    t.after(() => Object.assign(chain.Options, { Debug: true, DebugSocket: false, DebugChat: undefined }));
    Object.assign(chain.Options, { Debug: false, DebugSocket: true });
    chain.log("Chat", "silent");
    chain.log("Socket", "heard");
    Object.assign(chain.Options, { Debug: true, DebugChat: false });
    chain.log("Chat", "silent");
    assert.equal(written.callCount(), 1);
});
