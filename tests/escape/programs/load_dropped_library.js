// Copies a library to places that it can write to, and loads it as a native module. It is none, which Node says once it is loaded.
const fs = require('fs');
const source = fs.readFileSync('/proc/self/maps', 'utf8').split('\n').find((l) => l.includes('/libc.so')).split(/\s+/)[5];
const loaded = [];
for (const place of ['.', '/tmp']) {
  const path = fs.realpathSync(place) + '/dropped-' + process.pid + '.node';
  try {
    fs.copyFileSync(source, path);
    process.dlopen({ exports: {} }, path);
    loaded.push(path);
  } catch (e) {
    console.log(e.message.slice(0, 200));
    if (e.message.includes('self-register')) loaded.push(path);
  }
  fs.rmSync(path, { force: true });
}
console.log(loaded.length ? 'ESCAPED: ' + loaded : 'CONTAINED');
