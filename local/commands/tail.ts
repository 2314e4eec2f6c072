import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { LineCutter } from '../logs/log-store.ts';

/** Copies what a growing file gains, line by line. */
export class Tail {
  readonly #descriptor: number;
  readonly #lines: LineCutter;
  readonly #decoder = new StringDecoder('utf8');
  #offset = 0;

  constructor(path: string, emit: (lines: string[]) => void) {
    this.#descriptor = openSync(path, 'r');
    this.#lines = new LineCutter(emit);
  }

  read(): void {
    const size = fstatSync(this.#descriptor).size;
    while (this.#offset < size) {
      const buffer = Buffer.alloc(Math.min(size - this.#offset, 65_536));
      const count = readSync(this.#descriptor, buffer, 0, buffer.length, this.#offset);
      if (count === 0) return;
      this.#offset += count;
      this.#lines.push(this.#decoder.write(buffer.subarray(0, count)));
    }
  }

  end(): void {
    this.read();
    this.#lines.push(this.#decoder.end());
    this.#lines.end();
    closeSync(this.#descriptor);
  }
}
