/**
 * When a pause in an application's writes means a defect, and not a machine that has much else to do. A defect stalls
 * writes for seconds or for good: a standby that never confirms, an outage that outlasts its repair. How busy the machine
 * is shows in what waits for no standby, measured at the same time.
 */

const defectMilliseconds = 2000;
const margin = 10;

/**
 * The longest pause that is no defect, in milliseconds.
 *
 * @param control the longest pause that the same writes had without what is judged, in the same run
 * @param meant a pause that is part of what happens
 */
export function longestPause(control: number, meant = 0): number {
  return meant + defectMilliseconds + margin * control;
}
