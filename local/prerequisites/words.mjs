/** How the prerequisites speak: on stderr, so that the output of the command itself stays clean. */

/** Something that the user has to put right. */
export class Failure extends Error {
  /**
   * @param {string} message what was seen
   * @param {string} remedy what to do next
   */
  constructor(message, remedy) {
    super(`${message}\n${remedy}`);
  }
}

/** @param {string} sentence */
export function say(sentence) {
  process.stderr.write(`[prerequisites] ${sentence}\n`);
}
