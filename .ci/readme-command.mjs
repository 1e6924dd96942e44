// Prints the README's own command, so that CI can only pass with what users are told to type.
import { readFileSync } from 'node:fs';

const script = process.argv[2];
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const line = readme.split('\n').find((text) => text.startsWith('npm ci') && text.includes(`npm ${script}`));
if (line === undefined) throw new Error(`README.md has no line "npm ci && npm ${script}"`);
console.log(line);
