/** What this program calls itself. */

/** As in package.json; a test keeps the two the same. */
export const programVersion = '0.1.0';
