'use strict';
// Required by a template before its program (--require); runs are forked at the open of /.sandpit/go. A worker thread of the
// program's requires it once more, and there it does nothing.
if (require('worker_threads').isMainThread) {
  const fs = require('fs');
  const v8 = require('v8');
  // What nearly every program does for the first time.
  const util = require('util');
  require('stream'); require('events'); require('path'); require('vm'); require('timers'); require('buffer'); require('net');
  util.inspect({ a: [1, 2, { b: 3 }], c: new Map([[1, 2]]) });
  util.format('%s %d %j', 'a', 1, {});
  new (require('vm').Script)('console.log("x")');
  console.log('w');
  console.error('w');
  let record = null;
  try {
    record = fs.readFileSync('/.sandpit/go');
  } catch {
    // No template: nothing is changed.
  }
  if (record !== null) {
    const words = record.toString().split('\0').slice(0, -1);
    process.argv.splice(1, process.argv.length, ...words);
    Object.defineProperty(process, 'pid', { value: Number(fs.readlinkSync('/proc/self')), enumerable: true, configurable: true, writable: false });
    const seed = Buffer.alloc(4);
    const random = fs.openSync('/dev/urandom');
    fs.readSync(random, seed, 0, 4);
    fs.closeSync(random);
    v8.setFlagsFromString('--random-seed=' + ((seed.readUInt32LE(0) & 0x7ffffffe) + 1));
  }
}
process.execArgv.splice(process.execArgv.indexOf(__filename) - 1, 2);
delete require.cache[__filename];
