// Connects to a server of the host by every name of it: the arguments are a port and its addresses.
const net = require('net');
const [port, ...addresses] = process.argv.slice(2);
let left = addresses.length, reached = [];
for (const host of addresses) {
  const s = net.connect({ port: Number(port), host, timeout: 5000 });
  const end = (what) => { console.log(host, what); s.destroy(); if (--left === 0) console.log(reached.length ? 'ESCAPED: ' + reached : 'CONTAINED'); };
  s.once('connect', () => { reached.push(host); end('connected'); });
  s.once('error', (e) => end(e.code));
  s.once('timeout', () => s.destroy(new Error('timeout')));
}
