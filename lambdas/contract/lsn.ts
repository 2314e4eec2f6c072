/** Positions in the WAL, as PostgreSQL prints them: `16/B374D848`. */
import * as z from 'zod';

/** @see https://www.postgresql.org/docs/current/datatype-pg-lsn.html */
export const lsnSchema = z.string().regex(/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/i);
