/** What is sent while nothing changes: minutes of a healthy cluster, then of one that stays broken. */
import { setTimeout as pause } from 'node:timers/promises';
import { startPostgres, stopPostgres } from '../local/client/host-power.ts';
import { Writer } from '../local/client/writer.ts';
import { withRunningCluster } from './running-cluster.ts';
import { printTable } from './table.ts';

const reminderMinutes = 4;

/** @throws Error when anything but the first alert, reminders and the recovery notice was sent */
export async function silenceFigures(minutes: number, checkIntervalSeconds: number): Promise<void> {
  const monitoring = { checkIntervalSeconds, reminderMinutes };
  const { healthy, broken, recovery } = await withRunningCluster({ monitoring }, async (running) => {
    const { cluster, mailbox, nodes } = running;
    const subjects = async () => (await mailbox.unread()).map(({ subject }) => subject);
    const writer = await Writer.start(cluster, nodes.primary);
    await running.untilReplicating();
    await pause(minutes * 60_000);
    const whileHealthy = await subjects();
    // The worst that lasts: no standby, and commits that wait longer and longer.
    await Promise.all(nodes.standbys.map((standby) => stopPostgres(cluster, standby)));
    await pause(minutes * 60_000);
    const whileBroken = await subjects();
    await Promise.all(nodes.standbys.map((standby) => startPostgres(cluster, standby)));
    await running.untilReplicating();
    await pause(3 * checkIntervalSeconds * 1000);
    await writer.stop();
    return { healthy: whileHealthy, broken: whileBroken, recovery: await subjects() };
  });
  const reminders = broken.filter((subject) => subject.startsWith('STILL '));
  const checks = Math.floor((minutes * 60) / checkIntervalSeconds);
  console.log(`Checks every ${checkIntervalSeconds} s, reminders every ${reminderMinutes} min:`);
  printTable(
    ['phase', 'minutes', 'checks', 'first alerts', 'reminders', 'other messages'],
    [
      ['healthy', minutes, checks, 0, 0, healthy.length],
      ['no standby, commits wait', minutes, checks, 1, reminders.length, broken.length - 1 - reminders.length],
    ],
    0,
  );
  for (const subject of [...healthy, ...broken, ...recovery]) console.log(`  ${subject}`);
  const expected = Math.floor((minutes * 60 - 1) / (reminderMinutes * 60));
  const [alert] = broken;
  if (healthy.length > 0) throw new Error(`${healthy.length} messages about a healthy cluster`);
  if (!alert?.startsWith('CRITICAL ') || broken.length !== 1 + reminders.length) {
    throw new Error('something else than one alert and its reminders was sent');
  }
  if (reminders.length !== expected) throw new Error(`${reminders.length} reminders instead of ${expected}`);
  if (recovery.at(-1)?.startsWith('RECOVERED ') !== true) throw new Error('there was no recovery notice');
}
