const net = require('node:net');
const readline = require('node:readline');

const port = Number(process.argv.at(-1));

// Connect to 127.0.0.1 and this port. Send the lines of standard input, and print what comes back.
readline.createInterface({ input: process.stdin }).on('line', (line) => {});
