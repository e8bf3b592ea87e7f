// Prints the errors that its arguments name, then makes errors happen and prints those, each as Node.js words it: the error's name, a tab, the text.

import dgram from "node:dgram";
import http from "node:http";
import net from "node:net";
import { getSystemErrorMap } from "node:util";

const loopback = "127.0.0.1";

/** The error that this emitter reports. */
const errorOf = (emitter) =>
  new Promise((resolve) => emitter.on("error", resolve));

/** A server that does this with each connection, listening. */
const listening = (serve) =>
  new Promise((resolve) => {
    const server = net.createServer(serve);
    server.listen(0, loopback, () => resolve(server));
  });

/** A port at which nobody listens. */
const freePort = async () => {
  const server = await listening();
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
};

const says = (name, error) => console.log(`${name}\t${error}`);

for (const [name, message] of getSystemErrorMap().values()) {
  if (process.argv.includes(name)) {
    says(name, `${name}: ${message}`);
  }
}

says("ECONNREFUSED", await errorOf(net.connect(await freePort(), loopback)));

const server = await listening((peer) => peer.on("data", () => peer.resetAndDestroy()));
const { port } = server.address();
says("EADDRINUSE", await errorOf(net.createServer().listen(port, loopback)));
says("EADDRNOTAVAIL", await errorOf(net.createServer().listen(0, "203.0.113.1")));

const client = net.connect(port, loopback);
client.write("x");
says("ECONNRESET", await errorOf(client));

const request = http.get({ port, host: loopback });
says("ECONNRESET", await errorOf(request));

const silent = await listening((peer) => peer.once("data", () => peer.end()));
says("end-of-stream", await errorOf(http.get({ port: silent.address().port, host: loopback })));

const ended = net.connect(silent.address().port, loopback);
ended.end();
ended.write("x");
says("write-after-end", await errorOf(ended));

says("ENOENT", await errorOf(net.connect("/no/such/socket")));

const sender = dgram.createSocket("udp4");
says("EMSGSIZE", await new Promise((resolve) => sender.send(Buffer.alloc(70_000), 9, loopback, resolve)));
says("EACCES", await new Promise((resolve) => sender.send("x", 9, "127.255.255.255", resolve)));
sender.close();
const bound = dgram.createSocket("udp4");
await new Promise((resolve) => bound.bind(0, loopback, resolve));
says("EADDRINUSE", await errorOf(dgram.createSocket("udp4").bind(bound.address().port, loopback)));
bound.close();

try {
  bound.send("x", 9, loopback);
} catch (error) {
  says("closed-here", error);
}
try {
  net.connect(70_000, loopback);
} catch (error) {
  says("address-form", error);
}
server.close();
silent.close();
