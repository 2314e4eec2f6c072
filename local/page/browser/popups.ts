/**
 * `cwdb-action` as far as our widget uses it: the element before it opens its content in a dialog.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard_interactivity.html
 */

/** Opens `dialog` with the content of the action behind whatever is clicked. */
export function showPopups(dialog: HTMLDialogElement, content: HTMLElement, close: HTMLElement): void {
  document.addEventListener('click', ({ target }) => {
    const action = target instanceof Element ? actionBehind(target) : null;
    if (action === null) return;
    content.innerHTML = action.innerHTML;
    for (const command of content.querySelectorAll<HTMLElement>('pre.command')) prepare(command);
    dialog.showModal();
  });
  close.addEventListener('click', () => dialog.close());
  // A click beside the dialog is one on its backdrop.
  dialog.addEventListener('click', ({ target }) => {
    if (target === dialog) dialog.close();
  });
}

function actionBehind(clicked: Element): Element | null {
  const action = clicked.closest('button, a')?.nextElementSibling ?? null;
  return action?.localName === 'cwdb-action' && action.getAttribute('display') === 'popup' ? action : null;
}

/** A command as it is typed here, with a button that copies it. */
function prepare(command: HTMLElement): void {
  const text = (command.textContent ?? '').trim().replace(/^aws /, `aws --endpoint-url ${location.origin} `);
  command.textContent = text;
  const copy = document.createElement('button');
  copy.type = 'button';
  copy.className = 'primary';
  copy.textContent = 'Copy';
  copy.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text);
      copy.textContent = 'Copied';
    } catch {
      getSelection()?.selectAllChildren(command);
      copy.textContent = 'Selected: copy it with the keyboard';
    }
  });
  command.after(copy);
}
