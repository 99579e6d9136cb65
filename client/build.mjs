// Builds dist/ from chain.ts; with --check, fails when dist/ is not what chain.ts builds.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, "chain.ts");
const dist = join(here, "dist");

const HEAD = `/*! The browser client of chain. MIT license. Built from chain.ts: do not edit. */
var chain = (function (exports) {
`;

// The file is a classic script and a module at once, so that pages may load it with either kind of script element.
// In a module "await" is a keyword, a regular expression (of one backquote) follows it, and then come the exports. In a
// classic script "await" is a name, the slash divides, and the exports are the text of a template string.
const foot = (names) => `return exports;
})({});
if (typeof module === "object" && module.exports) module.exports = chain;
// The exports are code in a module, and text in a classic script.
0 && await /\`/; export const { ${names.join(", ")} } = chain; //\`;
//# sourceMappingURL=chain.js.map
`;

function options(overrides) {
    const { config } = ts.readConfigFile(join(here, "tsconfig.json"), ts.sys.readFile);
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, here);
    return { ...options, ...overrides };
}

function fail(message) {
    console.error(message);
    process.exit(1);
}

/** Checks chain.ts; returns its declarations and the names of the exported values. */
function declarations() {
    const program = ts.createProgram([source], options({ declaration: true, emitDeclarationOnly: true }));
    let text = "";
    const result = program.emit(undefined, (_, emitted) => (text = emitted));
    const diagnostics = [...ts.getPreEmitDiagnostics(program), ...result.diagnostics];
    if (diagnostics.length > 0) fail(ts.formatDiagnostics(diagnostics, formatHost));
    return { text, names: exportedValues(program) };
}

/** The script, without comments, and its map. */
function transpile(contents) {
    const compilerOptions = options({ sourceMap: true, removeComments: true });
    const { outputText, sourceMapText } = ts.transpileModule(contents, { compilerOptions, fileName: "chain.ts" });
    return { code: outputText.replace(/\/\/# sourceMappingURL=.*\n?$/, ""), map: JSON.parse(sourceMapText) };
}

const formatHost = {
    getCanonicalFileName: (name) => name,
    getCurrentDirectory: () => here,
    getNewLine: () => "\n",
};

function exportedValues(program) {
    const checker = program.getTypeChecker();
    const module = checker.getSymbolAtLocation(program.getSourceFile(source));
    const values = checker.getExportsOfModule(module).filter((symbol) => symbol.flags & ts.SymbolFlags.Value);
    return values.map((symbol) => symbol.name).sort();
}

/** The map of the compiled text, moved down by the lines that are put before it. */
function mapOf({ names, mappings }, contents) {
    const lines = HEAD.split("\n").length - 1;
    const named = { version: 3, file: "chain.js", sources: ["chain.ts"], sourcesContent: [contents] };
    return JSON.stringify({ ...named, names, mappings: ";".repeat(lines) + mappings }) + "\n";
}

function build() {
    const contents = readFileSync(source, "utf8");
    const types = declarations();
    const { code, map } = transpile(contents);
    return {
        "chain.js": HEAD + code + foot(types.names),
        "chain.js.map": mapOf(map, contents),
        "chain.d.ts": types.text + "export as namespace chain;\n",
    };
}

function write(files) {
    mkdirSync(dist, { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(dist, name), text);
}

function check(files) {
    const isCurrent = ([name, text]) =>
        existsSync(join(dist, name)) && readFileSync(join(dist, name)).equals(Buffer.from(text));
    const stale = Object.entries(files).filter((entry) => !isCurrent(entry));
    if (stale.length > 0) fail(`client/dist is not current (${stale.map(([name]) => name).join(", ")}): run node client/build.mjs`);
    console.log("client/dist is current");
}

const files = build();
if (process.argv.includes("--check")) check(files);
else write(files);
