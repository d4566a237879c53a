// Starts N (argument 1) worker threads, each with an engine of its own.
const { Worker } = require('worker_threads');
const most = Number(process.argv[2]);
let up = 0, down = 0;
function done() {
  if (up + down < most) return;
  console.log(up, 'workers');
  console.log(up >= most ? 'ESCAPED' : 'CONTAINED');
  process.exit(0);
}
for (let i = 0; i < most; ++i) {
  try {
    const w = new Worker("setTimeout(() => {}, 30000)", { eval: true });
    w.on('online', () => { ++up; done(); });
    w.on('error', () => { ++down; done(); });
  } catch (e) { console.log(e.code); ++down; done(); }
}
