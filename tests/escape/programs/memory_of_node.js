// Holds N (argument 1) MiB outside of the engine's own heap.
const kept = [];
for (let i = 0; i < Number(process.argv[2]); ++i) kept.push(Buffer.alloc(1 << 20, 'x'));
console.log('ESCAPED: holds', kept.length, 'MiB');
