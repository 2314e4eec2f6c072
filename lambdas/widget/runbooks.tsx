/** What runs on the cluster, and what can be started. */
import type { DashboardView } from '../domain/dashboard-view.ts';
import { Command } from './command.tsx';

export function Lock({ lock, executions }: Pick<DashboardView, 'lock' | 'executions'>) {
  return (
    <>
      {executions.map(({ runbook, name, times, console }) => (
        <p class="running">
          <svg class="icon" width="18" height="18" viewBox="0 0 24 24" aria-hidden="true">
            <path class="outline" d="M4 3.5v17L20.5 12Z" />
          </svg>
          <span>
            <strong>{runbook}</strong> runs {times}. <span class="execution">{name}</span>{' '}
            <a class="console" href={console} target="_blank" rel="noopener">
              Open its execution
            </a>
          </span>
        </p>
      ))}
      <p class="lock">{lock}</p>
    </>
  );
}

export function Runbooks({ id, runbooks }: Pick<DashboardView, 'runbooks'> & { id: string }) {
  return (
    <ul class="runbooks">
      {runbooks.map(({ name, purpose, console, command }) => (
        <li>
          <h4>{name}</h4>
          <p>{purpose}</p>
          <Command id={`${id}-${name}`} runbook={name} console={console} command={command} />
        </li>
      ))}
    </ul>
  );
}
