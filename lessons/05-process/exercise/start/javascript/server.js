const { spawn } = require('node:child_process');
const net = require('node:net');

const port = Number(process.argv.at(-1));

// Listen at 127.0.0.1 on this port.
// For each line of a client run `sleep` with that number of seconds, then send "done".
