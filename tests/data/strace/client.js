// Two words to a server that sends each back.
const fs = require('fs');
const net = require('net');

const words = ['hello', 'world'];
function start() {
  if (!fs.existsSync('port')) return setTimeout(start, 10);
  const server = net.connect(Number(fs.readFileSync('port')), '127.0.0.1');
  server.on('connect', () => server.write(words.shift()));
  server.on('data', () => (words.length > 0 ? server.write(words.shift()) : server.end()));
}
start();
