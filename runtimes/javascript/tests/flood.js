const fs = require("node:fs");
const line = "x".repeat(63) + "\n";
for (;;) fs.writeSync(1, line);
