const net = require('node:net');

const [port, path] = [Number(process.argv.at(-2)), process.argv.at(-1)];

// Listen at 127.0.0.1 and ::1 on this port, and at this path.
// Tell each client its family, then send back what it sends.
