// An echo server for one client.
const fs = require('fs');
const net = require('net');

const server = net.createServer((connection) => {
  connection.on('data', (data) => connection.write(data));
  server.close();
});
// Node binds and listens in one go: the port is written after that, and the client waits for it.
server.listen(0, '127.0.0.1', () => {
  fs.writeFileSync('port.new', String(server.address().port));
  fs.renameSync('port.new', 'port');
});
