// Retry, History and Events.
import assert from "node:assert/strict";
import test from "node:test";
import { calls, chain, mockTimers } from "./support.mjs";

function retryWith(t, random, intervals) {
    const called = calls();
    return { retry: new chain.Retry(called, intervals), called, timers: mockTimers(t, random) };
}

test("pitfall 42: intervals are sorted as numbers and the longest one repeats", (t) => {
    const { retry, called, timers } = retryWith(t, 1, [5000, 1, 1000, 500, 2000]);
    const intervals = [];
    for (let turn = 0; turn < 6; turn++) {
        intervals.push(retry.lastInterval());
        retry.retry();
        timers.tick(retry.lastInterval() - 1);
        assert.equal(called.seen.length, turn);
        timers.tick(1);
    }
    assert.deepEqual(intervals, [1, 500, 1000, 2000, 5000, 5000]);
    assert.deepEqual(called.seen.flat(), [1, 2, 3, 4, 5, 6]);
});

test("pitfall 42: the delay is a random part of the interval, at least half of it", (t) => {
    const { retry, called, timers } = retryWith(t, 0, [1000]);
    retry.retry();
    timers.tick(499);
    assert.equal(called.seen.length, 0);
    timers.tick(1);
    assert.equal(called.seen.length, 1);
});

test("a demanded delay is kept, with the random part on top", (t) => {
    const { retry, called, timers } = retryWith(t, 0.5, [1000]);
    retry.retry(3000);
    timers.tick(3749);
    assert.equal(called.seen.length, 0);
    timers.tick(1);
    assert.equal(called.seen.length, 1);
});

test("an absurd delay does not fire at once", (t) => {
    const { retry, called, timers } = retryWith(t, 0, [1000]);
    retry.retry(1e15);
    timers.tick(1e6);
    assert.equal(called.seen.length, 0);
});

test("reset drops the scheduled try and the count, cancel only the try", (t) => {
    const { retry, called, timers } = retryWith(t, 1, [10, 100]);
    retry.retry();
    timers.tick(10);
    retry.retry();
    retry.cancel();
    timers.tick(1000);
    assert.deepEqual([called.seen.length, retry.tries()], [1, 1]);
    retry.retry();
    retry.reset();
    timers.tick(1000);
    assert.deepEqual([called.seen.length, retry.tries()], [1, 0]);
});

test("hasten does a scheduled try now, and only a scheduled one", (t) => {
    const { retry, called, timers } = retryWith(t, 1, [1000]);
    retry.hasten();
    assert.equal(called.seen.length, 0);
    retry.retry();
    retry.hasten();
    timers.tick(1000);
    assert.equal(called.seen.length, 1);
});

test("a patient haste keeps a demanded delay", (t) => {
    const { retry, called, timers } = retryWith(t, 1, [1000]);
    const clock = { now: 50 };
    t.mock.method(performance, "now", () => clock.now);
    retry.retry(3000);
    clock.now += 2999;
    retry.hasten(true);
    assert.equal(called.seen.length, 0);
    clock.now += 1;
    retry.hasten(true);
    assert.equal(called.seen.length, 1);
    retry.retry(3000);
    retry.hasten();
    assert.equal(called.seen.length, 2);
    retry.retry(3000);
    retry.hasten(true);
    timers.tick(4000);
    assert.equal(called.seen.length, 3);
});

function historyWith(t, ttl) {
    const clock = { now: 1000 };
    t.mock.method(performance, "now", () => clock.now);
    return { clock, history: new chain.History(ttl) };
}

test("pitfall 44: a key is forgotten after its time", (t) => {
    const { clock, history } = historyWith(t, 2);
    assert.equal(history.exists("a"), false);
    clock.now += 1999;
    assert.equal(history.exists("a"), true);
    clock.now += 2000;
    assert.equal(history.exists("a"), false);
});

test("pitfall 44: the history does not grow for ever", (t) => {
    const { clock, history } = historyWith(t, 1);
    for (let key = 0; key < 10_000; key++) {
        clock.now += 10;
        history.exists(key);
    }
    assert.ok(history.expiries.size <= 101, `${history.expiries.size} keys kept`);
});

test("a message without the key is not a duplicate of another one without", (t) => {
    const { history } = historyWith(t, 5);
    assert.equal(history.exists(undefined), false);
    assert.equal(history.exists(undefined), false);
});

test("a listener is removed, and one that throws does not stop the others", (t) => {
    const shown = t.mock.method(console, "error", () => undefined).mock;
    const events = new chain.Events();
    const [first, last] = [calls(), calls()];
    events.on("e", first).on("e", () => assert.fail("thrown by a listener")).on("e", last);
    events.emit("e", 1, 2);
    events.off("e", first).emit("e", 3);
    assert.deepEqual(first.seen, [[1, 2]]);
    assert.deepEqual(last.seen, [[1, 2], [3]]);
    assert.equal(shown.callCount(), 2);
    events.off("e").emit("e", 4);
    assert.equal(last.seen.length, 2);
});

test("a listener that removes itself does not make another one miss the event", () => {
    const events = new chain.Events();
    const last = calls();
    const once = () => events.off("e", once);
    events.on("e", once).on("e", last).emit("e");
    assert.equal(last.seen.length, 1);
});
