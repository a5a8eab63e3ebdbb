// A peer of the benchmark: the package ws of npm (tests/run installs it for the interoperability tests).
//
//     node ws_echo.mjs --port 9001
import { createRequire } from "node:module";

const require = createRequire(new URL("../interop/", import.meta.url));
const { WebSocketServer } = require("ws");

const port = Number(process.argv[3]);
const server = new WebSocketServer({ port, host: "127.0.0.1", perMessageDeflate: false, maxPayload: 64 << 20 });
server.on("connection", (socket) => {
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on("error", () => {});
});
