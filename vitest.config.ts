import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// CI asks for a machine-readable report beside the one for people.
const reportFolder = process.env.ROLLCALL_TEST_REPORT_DIR;
const reportName = process.env.ROLLCALL_TEST_REPORT;
const report =
  reportFolder && reportName ? { outputFile: { json: join(reportFolder, `${reportName}.json`) } } : {};

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Real processes take their time on a busy machine; what hangs is found all the same.
    testTimeout: 90_000,
    hookTimeout: 60_000,
    reporters: reportFolder && reportName ? ['default', 'json'] : ['default'],
    ...report,
  },
});
