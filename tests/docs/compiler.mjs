// Compiles C++ as the build does: with its compiler, flags and include folders.

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "./documents.mjs";

/** Where the tests write: inside the build folder, so that a compiler cache knows the files again. */
export const scratch = join(build, "tests/docs");

/** A value of the build's CMakeCache.txt, or "". */
export function cached(name) {
  const cache = readFileSync(join(build, "CMakeCache.txt"), "utf8");
  return new RegExp(`^${name}:[A-Z]+=(.*)$`, "m").exec(cache)?.[1] ?? "";
}

/** The compiler and the flags with which the chat example is compiled, without its names of files. */
function command() {
  const all = JSON.parse(readFileSync(join(build, "compile_commands.json"), "utf8"));
  const example = all.find((entry) => entry.file.endsWith("/examples/chat/main.cpp"));
  if (!example) throw new Error("the chat example is not part of the build");
  const words = example.command.match(/(?:\\.|[^\s\\])+/g).map((word) => word.replaceAll("\\", ""));
  const flags = words.slice(1).filter((word, at, all) => word.startsWith("-") && word !== "-c" && word !== "-o" && !/PUBLIC_DIR/.test(word) || all[at - 1] === "-isystem");
  return [...cached("CMAKE_CXX_COMPILER_LAUNCHER").split(";"), cached("CMAKE_CXX_COMPILER"), ...flags, "-Wall", "-Wextra", "-Werror"].filter((word) => word !== "");
}

/** Runs a program to its end. @return what it wrote; throws with that when it fails */
export function run(words, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(words[0], words.slice(1), { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], ...options });
  if (error) throw error;
  if (status !== 0) throw new Error(`${words.join(" ")} failed:\n${stdout}${stderr}`);
  return stdout;
}

/** Compiles the file `name` with that content. @return its object file; throws with the compiler's words */
export function compile(name, content) {
  mkdirSync(scratch, { recursive: true });
  const source = join(scratch, name);
  writeFileSync(source, content);
  run([...command(), "-c", source, "-o", `${source}.o`], { cwd: build });
  return `${source}.o`;
}

/** Links an object file with the library. @return the program */
export function link(object) {
  const program = object.replace(/\.cpp\.o$/, "");
  const libraries = ["OPENSSL_SSL_LIBRARY", "OPENSSL_CRYPTO_LIBRARY", "ZLIB_LIBRARY_RELEASE"].map(cached).filter((path) => path !== "");
  run([cached("CMAKE_CXX_COMPILER"), ...cached("CMAKE_CXX_FLAGS").split(" ").filter(Boolean), object, join(build, "libchain.a"), ...libraries, "-pthread", "-o", program]);
  return program;
}
