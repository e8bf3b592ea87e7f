const net = require("node:net");

const port = Number(process.argv.at(-1));

// allowHalfOpen: at the end of our input the connection is ended, and what is still to come back is read.
const connection = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
process.stdin.pipe(connection); // ends the connection at the end of the input
connection.pipe(process.stdout);
connection.on("error", (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
