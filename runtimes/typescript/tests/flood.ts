import { writeSync } from "node:fs";

const line: string = "x".repeat(63) + "\n";
for (;;) writeSync(1, line);
