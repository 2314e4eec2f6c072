/** Mails to e-mail subscribers, as files of a folder. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import MailComposer from 'nodemailer/lib/mail-composer';

/** A mail as SNS sends it. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly messageId: string;
}

/** A folder of `.eml` files whose names sort by time. */
export class MailFolder {
  readonly #directory: string;
  #count = 0;

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
  }

  /** Delivers a mail; a reader never sees half of it. */
  async deliver(mail: Mail): Promise<void> {
    const date = new Date();
    const content = await new MailComposer({
      from: 'AWS Notifications <no-reply@sns.amazonaws.com>',
      to: mail.to,
      subject: mail.subject,
      text: mail.text,
      date,
      messageId: `<${mail.messageId}@local-runtime>`,
      disableFileAccess: true,
      disableUrlAccess: true,
    })
      .compile()
      .build();
    const number = String(++this.#count).padStart(6, '0');
    const time = date.toISOString().replace(/[:.]/g, '-');
    const path = join(this.#directory, `${time}-${number}-${mail.to.replace(/[^A-Za-z0-9@._+-]/g, '_')}.eml`);
    writeFileSync(`${path}.new`, content);
    renameSync(`${path}.new`, path);
  }
}
