const net = require('node:net');

const port = Number(process.argv.at(-1));

// Listen at 127.0.0.1 on this port. To each line that a client sends, send back the line backwards.
// (What does socket.write() return, and what does socket.pause() do?)
