const net = require('node:net');

const port = Number(process.argv.at(-1));

// Connect to 127.0.0.1 and this port. Send standard input, say that this is all, and print the answer.
