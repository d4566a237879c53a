#!/usr/bin/env node
// Counts the words of its input, keeps the table in a file and prints the ten most frequent:
//   sandpit run examples/wordcount.js < README.md
// Streams, promises and the file system all work inside: it is plain Node.
'use strict';
const { createReadStream } = require('node:fs');
const { mkdtemp, readFile, writeFile } = require('node:fs/promises');
const { tmpdir } = require('node:os');
const path = require('node:path');
const readline = require('node:readline');

async function countWords(input) {
  const counts = new Map();
  for await (const line of readline.createInterface({ input, crlfDelay: Infinity })) {
    for (const word of line.toLowerCase().match(/\p{L}+/gu) ?? []) {
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  return counts;
}

async function main() {
  const [name] = process.argv.slice(2);
  const counts = await countWords(name ? createReadStream(name) : process.stdin);
  const ranked = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));

  const directory = await mkdtemp(path.join(tmpdir(), 'wordcount-'));
  const table = path.join(directory, 'words.json');
  await writeFile(table, JSON.stringify(Object.fromEntries(ranked)));
  const size = (await readFile(table)).length;

  for (const [word, count] of ranked.slice(0, 10)) console.log(`${String(count).padStart(6)}  ${word}`);
  console.log(`${ranked.length} different words, ${size} bytes in ${path.basename(table)}`);
}

main().catch((error) => {
  console.error(`wordcount: ${error.message}`);
  process.exitCode = 1;
});
