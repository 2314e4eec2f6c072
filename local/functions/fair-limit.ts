/** Limits of what has a processor of its own on AWS and shares those of this machine here. */
import { availableParallelism, loadavg } from 'node:os';

/** How much longer everything takes on this machine at present than on an idle one: its load of the last minute per processor. */
function slownessOfMachine(): number {
  return Math.max(1, (loadavg()[0] ?? 0) / availableParallelism());
}

/**
 * Calls back when a time is over: at once after it on an idle machine, later on one that has more to do than processors.
 *
 * @returns what calls it off
 */
export function afterFairTime(
  milliseconds: number,
  callback: () => void,
  slowness: () => number = slownessOfMachine,
): () => void {
  const began = performance.now();
  let timer: NodeJS.Timeout;
  const wait = (left: number) => {
    timer = setTimeout(look, left).unref();
  };
  const look = () => {
    const left = milliseconds * slowness() - (performance.now() - began);
    if (left <= 0) callback();
    // The load may fall meanwhile.
    else wait(Math.min(left, milliseconds));
  };
  wait(milliseconds);
  return () => clearTimeout(timer);
}
