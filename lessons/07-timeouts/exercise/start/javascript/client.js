const net = require('node:net');
const readline = require('node:readline');

const [address, port] = process.argv.slice(-2);

async function main() {
  for await (const amount of readline.createInterface({ input: process.stdin })) {
    // Send the bank a number and the amount, and print the balance. Try again after a second, with the same number.
  }
}

main();
