#!/usr/bin/env node
// Greets whom it is told to greet: sandpit run examples/hello.js -- Ada
console.log(`Hello, ${process.argv.slice(2).join(' ') || 'world'}!`);
