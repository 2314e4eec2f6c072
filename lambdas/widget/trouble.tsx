/** What is wrong and what to do about it. */
import type { StepView, TroubleView } from '../domain/dashboard-view.ts';
import { Command } from './command.tsx';
import { Icon } from './icons.tsx';

export function Trouble({ trouble: { title, times, findings, steps } }: { trouble: TroubleView }) {
  return (
    <section class="trouble">
      <h3>{title}</h3>
      <p class="times">{times}</p>
      <ul class="findings">
        {findings.map(({ tone, severity, message }) => (
          <li>
            <Icon tone={tone} size={18} />
            <p>
              <strong>{severity}:</strong> {message}
            </p>
          </li>
        ))}
      </ul>
      {steps.length > 0 && (
        <>
          <h4>What to do</h4>
          <ol class="steps">
            {steps.map((step) => (
              <Step step={step} />
            ))}
          </ol>
        </>
      )}
    </section>
  );
}

function Step({ step: { text, start } }: { step: StepView }) {
  return (
    <li>
      <p>{text}</p>
      {start !== null && <Command runbook={start.runbook} console={start.console} command={start.command} />}
    </li>
  );
}
