// Writes N (argument 1) MiB without a single newline.
const fs = require('fs');
const block = Buffer.alloc(1 << 16, 'x');
for (let i = 0; i < 16 * Number(process.argv[2]); ++i) {
  let at = 0;
  while (at < block.length) {
    try { at += fs.writeSync(1, block, at); } catch (e) { if (e.code !== 'EAGAIN') throw e; }
  }
}
