'use strict';
// Required by a template before its program (--require); runs are forked at the open of /.sandpit/go. A worker thread of the
// program's requires it once more, and there it does nothing.
if (require('worker_threads').isMainThread) {
  const fs = require('fs');
  const v8 = require('v8');
  // What nearly every program does for the first time.
  const util = require('util');
  const Module = require('module');
  require('stream'); require('events'); require('path'); require('vm'); require('timers'); require('buffer'); require('net');
  util.inspect({ a: [1, 2, { b: 3 }], c: new Map([[1, 2]]) });
  util.format('%s %d %j', 'a', 1, {});
  new (require('vm').Script)('console.log("x")');
  console.log('w');
  console.error('w');
  Module.runMain(__filename); // the way to a program: this file is loaded, so nothing happens at the end of it
  const ownPid = () => Number(fs.readlinkSync('/proc/self'));
  const randomSeed = () => {
    const seed = Buffer.alloc(4);
    const random = fs.openSync('/dev/urandom');
    fs.readSync(random, seed, 0, 4);
    fs.closeSync(random);
    return (seed.readUInt32LE(0) & 0x7ffffffe) + 1;
  };
  const wordsOf = (record) => record.toString().split('\0').slice(0, -1);
  // What runs shall find loaded. Threads that were not Node's own, and what keeps it from its end, would be in every run.
  const refuse = (name, why) => {
    fs.writeSync(2, `preload ${name}: ${String(why).split('\n')[0]}\n`);
    process.reallyExit(1);
  };
  // Once used, V8's generator can't be seeded any more: until then modules get their numbers, and may keep getting them, from here.
  const { random } = Math;
  const kept = Buffer.alloc(8);
  Math.random = () => {
    const device = fs.openSync('/dev/urandom');
    fs.readSync(device, kept, 0, 8);
    fs.closeSync(device);
    return Number(kept.readBigUInt64LE(0) >> 11n) / 2 ** 53;
  };
  for (const name of (process.env.SANDPIT_PRELOAD ?? '').split(',').filter(Boolean)) {
    const threads = fs.readdirSync('/proc/self/task').length;
    const resources = process.getActiveResourcesInfo().length;
    try {
      require(name);
    } catch (error) {
      refuse(name, error instanceof Error ? `${error.code ?? error.name}: ${error.message}` : error);
    }
    if (fs.readdirSync('/proc/self/task').length > threads) refuse(name, "it starts threads, which a fork can't take along");
    if (process.getActiveResourcesInfo().length > resources) refuse(name, 'it leaves something at work, which every run would wait for');
  }
  Math.random = random;
  ownPid();
  randomSeed();
  wordsOf(fs.readFileSync('/proc/self/comm'));

  // A program that comes to its end by itself, with nothing left to do, ends as process.exit() does after its last event: to take
  // the heap apart first would only copy what is shared with the template. Node itself then asks for process.emit, without any
  // JavaScript around it: that is when the last listener is added, which nobody else gets to see. Where there is more to be said
  // (an error's text comes after 'exit', so does the warning of status 13) or process.exit() is at work, it is as always.
  const { emit, reallyExit, on, listenerCount, getMaxListeners } = process;
  const callersOf = (inner) => {
    try {
      const { stackTraceLimit, prepareStackTrace } = Error;
      Error.stackTraceLimit = 3;
      Error.prepareStackTrace = (_, frames) => frames.length;
      const trace = {};
      Error.captureStackTrace(trace, inner);
      const callers = trace.stack;
      Object.assign(Error, { stackTraceLimit, prepareStackTrace });
      return callers;
    } catch {
      return -1; // Error was frozen
    }
  };
  const last = () => {
    if (process._exiting && !process.exitCode && callersOf(last) === 1) Reflect.apply(reallyExit, process, [0]);
  };
  const count = (event) => Reflect.apply(listenerCount, process, [event]);
  const usual = count('newListener');
  let added = false;
  const accessor = {
    get emit() {
      if (!added && this === process && callersOf(property.get) === 0) {
        added = true;
        // A second one would change what an error in the first one looks like, one too many is warned of.
        const most = Reflect.apply(getMaxListeners, process, []);
        const others = count('exit');
        if (count('newListener') === usual && others !== 1 && (most === 0 || others < most)) Reflect.apply(on, process, ['exit', last]);
      }
      return emit;
    },
    set emit(value) {
      Object.defineProperty(this, 'emit', { value, configurable: true, enumerable: true, writable: true });
    },
  };
  const property = Object.getOwnPropertyDescriptor(accessor, 'emit');
  Object.defineProperty(Object.getPrototypeOf(process), 'emit', property);
  void process.emit;

  let record = null;
  try {
    record = fs.readFileSync('/.sandpit/go');
  } catch {
    // No template: nothing is changed.
  }
  if (record !== null) {
    const words = wordsOf(record);
    process.argv.splice(1, process.argv.length, ...words);
    Object.defineProperty(process, 'pid', { value: ownPid(), enumerable: true, configurable: true, writable: false });
    // All contexts and worker threads get the same numbers then: only where the library can't seed what they are seeded from.
    if (process.env.SANDPIT_SEEDED !== '1') v8.setFlagsFromString('--random-seed=' + randomSeed());
    delete process.env.SANDPIT_SEEDED;
  }
}
process.execArgv.splice(process.execArgv.indexOf(__filename) - 1, 2);
delete require.cache[__filename];
