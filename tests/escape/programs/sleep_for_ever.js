// Sleeps for ever, without any use of the processor.
console.log('asleep');
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
