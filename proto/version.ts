/** What this program calls itself, and what it understands. */

/** As in package.json; a test keeps the two the same. */
export const programVersion = '0.1.0';

/**
 * Level of the commands in the Raft log that this program can apply: raised with every new kind or version of one. A command
 * of a new level is written only when every server has announced that level, so a rolling upgrade loses nothing.
 *
 *     1   the first
 *     2   a snapshot comes back through the log (`restore.*`), a removed server stays removed (`server.bar`)
 */
export const commandLevel = 2;
