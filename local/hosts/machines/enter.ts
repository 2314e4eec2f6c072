/** Ways into a machine that runs. */

/**
 * Runs a command inside the machine of this process 1, in all of its namespaces.
 *
 * nsenter itself must not wait for the command: it stops with it, as a shell's job does, and systemd stops everything
 * for a moment when it shuts down. A stopped parent never learns that its child has ended, and a machine whose ended
 * processes nobody takes note of does not end either.
 */
export function intoMachine(init: number, command: readonly string[]): string[] {
  return ['nsenter', `--target=${init}`, '--all', '--no-fork', '--', 'sh', '-c', '"$@"; exit "$?"', 'sh', ...command];
}
