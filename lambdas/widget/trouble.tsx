/** What is wrong and what to do about it. */
import type { StepView, TroubleView } from '../domain/dashboard-view.ts';
import { Command } from './command.tsx';
import { Icon } from './icons.tsx';

export function Trouble({ id, trouble: { title, times, findings, steps } }: { id: string; trouble: TroubleView }) {
  return (
    <section id={id} class="trouble">
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
            {steps.map((step, index) => (
              <Step id={`${id}-step-${index}`} step={step} />
            ))}
          </ol>
        </>
      )}
    </section>
  );
}

function Step({ id, step: { text, start } }: { id: string; step: StepView }) {
  return (
    <li>
      <p>{text}</p>
      {start !== null && <Command id={id} {...start} />}
    </li>
  );
}
