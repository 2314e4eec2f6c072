/**
 * What CloudWatch sends to the function behind a custom widget. None of it decides anything but how the widget looks,
 * so whatever is missing or new has a default instead of an error.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard_about.html
 */
import * as z from 'zod';

const themes = ['light', 'dark'] as const;

/** The zone of the times that a widget shows: the dashboard offers UTC and the viewer's own. */
const zoneSchema = z.object({ label: z.string(), offsetInMinutes: z.number().min(-1440).max(1440) });
export type Zone = z.infer<typeof zoneSchema>;

export const utc: Zone = { label: 'UTC', offsetInMinutes: 0 };

const contextSchema = z.object({
  theme: z.enum(themes).catch('light'),
  /** Pixels. */
  width: z.number().catch(1200),
  timezone: zoneSchema.catch(utc),
});
export type WidgetContext = z.infer<typeof contextSchema>;

const usualContext: WidgetContext = { theme: 'light', width: 1200, timezone: utc };

export const widgetEventSchema = z
  .object({
    /** Asks for the widget's documentation instead of the widget. */
    describe: z.boolean().catch(false),
    widgetContext: contextSchema.catch(usualContext),
  })
  .catch({ describe: false, widgetContext: usualContext });
