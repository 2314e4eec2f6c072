/** How to start a runbook: the console's page, and a button that shows the command. */
import type { StepView } from '../domain/dashboard-view.ts';

type Start = NonNullable<StepView['start']>;

/**
 * `cwdb-action` makes the element before it a button that opens the content as a dialog. The dialog is CloudWatch's and
 * outside of the widget's style, so its content carries its own.
 */
export function Command({ id, runbook, console, command }: Start & { id: string }) {
  return (
    <div class="start">
      <a class="console" href={console} target="_blank" rel="noopener">
        Open {runbook} in the console
      </a>
      <button type="button" id={id} class="btn">
        Show the command
      </button>
      <cwdb-action action="html" display="popup">
        <p>
          Starts the <strong>{runbook}</strong> runbook; a click selects the whole command.
        </p>
        <pre class="command" style="white-space:pre-wrap;overflow-wrap:anywhere;user-select:all">
          {command}
        </pre>
      </cwdb-action>
    </div>
  );
}
