// An HTTP proxy in front of a server, as some networks have it: WebSockets do not get through.

import { createServer, request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";
import { connect, createServer as createTcpServer } from "node:net";

export class Proxy {
  upgrades = 0;
  away = false; // whether requests are answered by ending the connection
  #streams = new Set();
  #sockets = new Set(); // all that are open, those of handshakes that nobody answers too

  /** `silent` leaves handshakes without an answer, instead of refusing them. */
  static async start(target, { silent = false } = {}) {
    const proxy = new Proxy();
    proxy.target = new URL(target);
    proxy.http = createServer((request, response) => proxy.#pass(request, response));
    proxy.http.on("upgrade", (_, socket) => {
      proxy.upgrades++;
      socket.on("error", () => undefined);
      if (!silent) socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    });
    proxy.http.on("connection", (socket) => {
      proxy.#sockets.add(socket);
      socket.on("close", () => proxy.#sockets.delete(socket));
    });
    await new Promise((resolve) => proxy.http.listen(0, "127.0.0.1", resolve));
    proxy.url = `http://localhost:${proxy.http.address().port}/`;
    return proxy;
  }

  /** Breaks the streams of events, on both sides. */
  breakStreams() {
    for (const [up, down] of this.#streams) {
      up.destroy();
      down.destroy();
    }
  }

  stop() {
    const closed = new Promise((resolve) => this.http.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    return closed;
  }

  #pass(request, response) {
    if (this.away) return request.socket.destroy();
    const { method, url: path, headers } = request;
    const requestTo = this.target.protocol === "https:" ? requestTls : requestPlain;
    const up = requestTo({ rejectUnauthorized: false, host: this.target.hostname, port: this.target.port, method, path, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode, answer.rawHeaders);
      response.flushHeaders();
      answer.pipe(response);
      answer.on("error", () => response.destroy());
      if (String(answer.headers["content-type"]).startsWith("text/event-stream")) this.#keep(up, response);
    });
    up.on("error", () => response.destroy());
    response.on("close", () => up.destroy());
    request.pipe(up);
  }

  #keep(up, response) {
    const stream = [up, response];
    this.#streams.add(stream);
    response.on("close", () => this.#streams.delete(stream));
  }
}

/** A line to a server that can be cut: it passes bytes on and knows nothing of what they mean. */
export class Line {
  #ends = new Set();
  down = false; // whether new connections are cut at once

  static async start(target) {
    const line = new Line();
    const { protocol, hostname, port } = new URL(target);
    line.tcp = createTcpServer((near) => line.#pass(near, connect(Number(port), hostname)));
    await new Promise((resolve) => line.tcp.listen(0, "localhost", resolve));
    line.url = `${protocol}//localhost:${line.tcp.address().port}/`;
    return line;
  }

  cut() {
    for (const end of this.#ends) end.destroy();
  }

  stop() {
    const closed = new Promise((resolve) => this.tcp.close(resolve));
    this.cut();
    return closed;
  }

  #pass(near, far) {
    for (const [from, to] of [[near, far], [far, near]]) {
      this.#ends.add(from);
      from.on("error", () => undefined);
      from.on("close", () => {
        this.#ends.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
    if (this.down) near.destroy();
  }
}
