const net = require('node:net');
const readline = require('node:readline');

const [address, port] = [process.argv.at(-2), Number(process.argv.at(-1))];

// Connect to this address and port. Send the lines of standard input in one frame, and print what comes back.
readline.createInterface({ input: process.stdin }).on('line', (line) => {});
