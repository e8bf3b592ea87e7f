const net = require("node:net");

const port = Number(process.argv.at(-1));

// allowHalfOpen: that the client will send no more does not end our direction too, before all is sent back.
const server = net.createServer({ allowHalfOpen: true }, (connection) => {
  connection.on("data", (data) => {
    if (!connection.write(data)) {
      connection.pause(); // so much waits already: read on when it is sent
      connection.once("drain", () => connection.resume());
    }
  });
  connection.on("end", () => connection.end());
  connection.on("error", () => {}); // this client has broken off
});
server.listen(port, "127.0.0.1");
