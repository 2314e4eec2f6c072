import type { Source } from '../domain/dashboard-view.ts';

/** What `read` gives, or why it failed: of several sources one may be missing, and the others still tell their part. */
export async function sourceOf<T>(read: () => Promise<T>): Promise<Source<T>> {
  try {
    return { value: await read() };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}
