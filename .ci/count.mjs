// Adds up the reports of the named runs and prints the closing line. A run that left no report is a failure, and so is
// a file that did not load: that is how a suite ends whose real peer is missing here.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, ...runs] = process.argv.slice(2);
const total = { passed: 0, failed: 0, skipped: 0 };
let complete = true;
for (const run of runs) {
  const path = join(folder, `${run}.json`);
  if (!existsSync(path)) {
    console.log(`no report of the run ${run}`);
    complete = false;
    continue;
  }
  const report = JSON.parse(readFileSync(path, 'utf8'));
  total.passed += report.numPassedTests;
  total.failed += report.numFailedTests;
  total.skipped += report.numPendingTests;
  for (const file of report.testResults) {
    if (file.assertionResults.length === 0 && file.status === 'failed') {
      console.log(`${file.name} did not load: ${file.message}`);
      complete = false;
    }
    for (const test of file.assertionResults) {
      if (test.status === 'pending' || test.status === 'skipped') console.log(`skipped: ${test.fullName}`);
    }
  }
}
console.log(`tests: ${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(complete && total.passed > 0 && total.failed === 0 ? 0 : 1);
