// The same with Node, following a symlink made in the working directory.
const fs = require('fs');
const target = process.argv[2];
try { fs.symlinkSync(target, '/tmp/link-' + process.pid); } catch {}
for (const path of [target, '/tmp/link-' + process.pid, '/proc/self/root' + target]) {
  try { fs.readFileSync(path); console.log('ESCAPED: read', path); process.exit(); } catch (error) { console.log(error.code); }
}
console.log('CONTAINED');
