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
    // Much of the suite waits for real processes, so every processor gets a worker; the runner would keep one free.
    maxWorkers: '100%',
    // Real processes take their time on a busy machine; what hangs is found all the same.
    testTimeout: 180_000,
    hookTimeout: 120_000,
    // CI's machine may stand still for seconds under a suite that plays with deadlines of real processes: there each test
    // gets a second try, and the report marks whoever needed it with (retry x1).
    retry: process.env.CI ? 1 : 0,
    reporters: reportFolder && reportName ? ['default', 'json'] : ['default'],
    ...report,
  },
});
