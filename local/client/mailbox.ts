/** The mails that the local runtime has delivered, as a subscriber reads them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import PostalMime from 'postal-mime';
import { waitFor } from './wait-for.ts';

/** One mail. */
export interface Mail {
  readonly file: string;
  readonly subject: string;
  readonly text: string;
}

/** A mail in which a runbook tells of itself; the others are the checker's alerts. */
const isNotice = ({ subject }: Mail) => /^(?:STARTED|DONE|FAILED|STOPPED|MAINTENANCE|APPROVE) /.test(subject);

/** Reads mails in the order of their arrival, each once. */
export class Mailbox {
  readonly #directory: string;
  readonly #ending: string;
  /** Subjects by file. */
  readonly #read = new Map<string, string>();
  readonly #alerts: Mail[] = [];
  readonly #notices: Mail[] = [];

  /** @param subscriber only mails to this address; to everybody when omitted */
  constructor(directory: string, subscriber?: string) {
    this.#directory = directory;
    this.#ending = subscriber === undefined ? '.eml' : `-${subscriber}.eml`;
  }

  /** Subjects of all mails read so far, notices among them. */
  get subjects(): string[] {
    return [...this.#read.values()];
  }

  /** Alerts of the checker that have arrived since the last call. */
  async unread(): Promise<Mail[]> {
    await this.#receive();
    return this.#alerts.splice(0);
  }

  /** Notices of runbooks that have arrived since the last call. */
  async notices(): Promise<Mail[]> {
    await this.#receive();
    return this.#notices.splice(0);
  }

  async #receive(): Promise<void> {
    const files = existsSync(this.#directory)
      ? readdirSync(this.#directory).filter((file) => file.endsWith(this.#ending))
      : [];
    for (const file of files.toSorted()) {
      if (this.#read.has(file)) continue;
      this.#read.set(file, '');
      const { subject = '', text = '' } = await PostalMime.parse(readFileSync(join(this.#directory, file)));
      this.#read.set(file, subject);
      const mail = { file, subject, text };
      (isNotice(mail) ? this.#notices : this.#alerts).push(mail);
    }
  }

  /** Waits for the next alert; an error names what was waited for. */
  async next(what: string, limitSeconds: number): Promise<Mail[]> {
    return waitFor(`a mail: ${what}`, limitSeconds, async () => {
      const mails = await this.unread();
      return mails.length > 0 && mails;
    });
  }
}
