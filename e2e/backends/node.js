// node.js PORT LOG: node's own HTTP server. Every request that it sees becomes a line of LOG, in the form of go/main.go.
"use strict";
const { appendFileSync } = require("node:fs");
const http = require("node:http");

const [port, log] = process.argv.slice(2);
const record = (fields) => appendFileSync(log, JSON.stringify(fields) + "\n");

function serve(request, response) {
  const body = [];
  const recorded = {
    method: request.method,
    target: request.url,
    host: request.headers.host ?? "",
    marks: request.headers["x-request-start"] ?? "",
  };
  const finish = (whole) => record({ ...recorded, body: Buffer.concat(body).toString("latin1"), whole });
  request.on("data", (data) => body.push(data));
  request.on("end", () => {
    finish(true);
    response.writeHead(200, { Saw: `${request.method} ${request.url}`, "Content-Length": 0 });
    response.end();
  });
  request.on("close", () => request.complete || finish(false));
  request.on("error", () => {}); // told by close
}

const server = http.createServer({ keepAliveTimeout: 3_600_000, requestTimeout: 0 }, serve);
server.on("checkContinue", (request, response) => {
  response.writeContinue();
  serve(request, response);
});
server.on("checkExpectation", serve);
server.on("clientError", (error, socket) => {
  // The end of a connection in the middle of a request was told by that request.
  if (error.code?.startsWith("HPE_") && error.code !== "HPE_INVALID_EOF_STATE") {
    record({ refused: error.code });
  }
  socket.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
});
process.on("SIGTERM", () => server.close(() => process.exit(0)));
server.listen(Number(port), "127.0.0.1");
