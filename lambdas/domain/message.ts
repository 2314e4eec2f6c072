import type { MailText } from './mail-text.ts';

/** What subscribers are told, in the forms that their protocols want. */
export interface Message {
  /** ASCII, at most 100 characters. */
  readonly subject: string;
  readonly email: MailText;
  /** Custom notification of Amazon Q Developer in chat applications (formerly AWS Chatbot), as JSON. */
  readonly chatbot: string;
  readonly json: string;
}
