const dgram = require('node:dgram');
const readline = require('node:readline');

const port = Number(process.argv.at(-1));

// Ask each line of standard input by UDP at 127.0.0.1 and this port, and print the answer.
readline.createInterface({ input: process.stdin }).on('line', (line) => {});
