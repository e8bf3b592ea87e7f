const net = require('node:net');

const port = Number(process.argv.at(-1));

// Listen at 127.0.0.1 on this port. Answer each message with its bytes in reverse order.
