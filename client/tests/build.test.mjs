// dist/: current, deterministic, loadable in every way, typed.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { appendFileSync, copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { createRequire, SourceMap } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import vm from "node:vm";
import ts from "typescript";

const client = fileURLToPath(new URL("..", import.meta.url));
const script = join(client, "dist/chain.js");
const NAMES = [
    ...["Channel", "Events", "History", "MessageKindEnum", "Options", "Presence", "Push", "Retry", "Socket"],
    ...["TransportSSE", "TransportWebSocket", "Transports", "decode", "encode", "log"],
];

function temporaryFolder(t) {
    const folder = mkdtempSync(join(tmpdir(), "chain-client-"));
    t.after(() => rmSync(folder, { recursive: true }));
    return folder;
}

/** A copy of the client's folder, to be spoilt. */
function copyOfClient(t) {
    const folder = temporaryFolder(t);
    for (const name of ["build.mjs", "chain.ts", "tsconfig.json"]) copyFileSync(join(client, name), join(folder, name));
    cpSync(join(client, "dist"), join(folder, "dist"), { recursive: true });
    symlinkSync(join(client, "node_modules"), join(folder, "node_modules"));
    return folder;
}

function build(folder, ...args) {
    const { status, stderr } = spawnSync(process.execPath, [join(folder, "build.mjs"), ...args], { encoding: "utf8" });
    return { status, stderr };
}

test("dist is what chain.ts builds", () => {
    assert.deepEqual(build(client, "--check"), { status: 0, stderr: "" });
});

test("the check notices each file that is not current, and a build repairs it", (t) => {
    const folder = copyOfClient(t);
    const names = ["chain.js", "chain.js.map", "chain.d.ts"];
    for (const name of names) appendFileSync(join(folder, "dist", name), " ");
    const { status, stderr } = build(folder, "--check");
    assert.equal(status, 1);
    assert.ok(stderr.includes(names.join(", ")), stderr);
    assert.equal(build(folder).status, 0);
    for (const name of names) assert.ok(readFileSync(join(folder, "dist", name)).equals(readFileSync(join(client, "dist", name))), name);
});

test("the check notices a change of chain.ts that was not built", (t) => {
    const folder = copyOfClient(t);
    appendFileSync(join(folder, "chain.ts"), "\nexport const added = 1;\n");
    assert.equal(build(folder, "--check").status, 1);
});

test("the build refuses a type error", (t) => {
    const folder = copyOfClient(t);
    appendFileSync(join(folder, "chain.ts"), "\nexport const wrong: number = 'text';\n");
    const { status, stderr } = build(folder);
    assert.equal(status, 1);
    assert.match(stderr, /TS2322/);
});

test("as a classic script it defines chain and no other global name", () => {
    const page = vm.createContext({});
    vm.runInContext(readFileSync(script, "utf8"), page, { filename: "chain.js" });
    assert.deepEqual(Object.keys(page), ["chain"]);
    assert.deepEqual(Object.keys(page.chain).sort(), NAMES);
});

test("as a module it exports the same names", async (t) => {
    const module = join(temporaryFolder(t), "chain.mjs");
    copyFileSync(script, module);
    assert.deepEqual(Object.keys(await import(pathToFileURL(module).href)).sort(), NAMES);
});

test("it can be required", () => {
    assert.deepEqual(Object.keys(createRequire(import.meta.url)(script)).sort(), NAMES);
});

test("the source map leads to the line in chain.ts", () => {
    const map = new SourceMap(JSON.parse(readFileSync(`${script}.map`, "utf8")));
    const source = readFileSync(join(client, "chain.ts"), "utf8").split("\n");
    const lines = readFileSync(script, "utf8").split("\n");
    const at = lines.findIndex((line) => line.includes("no answer to the heartbeat"));
    const entry = map.findEntry(at, lines[at].indexOf("no answer"));
    assert.equal(entry.originalSource, "chain.ts");
    assert.match(source[entry.originalLine], /no answer to the heartbeat/);
    assert.match(readFileSync(script, "utf8"), /\n\/\/# sourceMappingURL=chain\.js\.map\n$/);
});

test("the types fit the documented use", () => {
    const options = { strict: true, noEmit: true, target: ts.ScriptTarget.ES2020, module: ts.ModuleKind.ES2020, types: [] };
    const lib = ["lib.es2020.d.ts", "lib.dom.d.ts"];
    const moduleResolution = ts.ModuleResolutionKind.Bundler;
    const program = ts.createProgram([join(client, "tests/api.ts")], { ...options, lib, moduleResolution });
    const messages = ts.getPreEmitDiagnostics(program).map((found) => ts.flattenDiagnosticMessageText(found.messageText, "\n"));
    assert.deepEqual(messages, []);
});
