/** The time zone of all times. */
export type Zone = "utc" | "local";

// One for the whole page, so that no two times have different zones.
let shownZone: Zone = "utc";

/** Formats all times in this zone. */
export function setZone(zone: Zone): void {
  shownZone = zone;
}

/** The parts of a time in the current zone. */
interface Parts {
  readonly day: string;
  readonly month: string;
  readonly year: string;
  readonly hour: string;
  readonly minute: string;
  readonly second: string;
  readonly timeZoneName: string;
}

function formats(timeZone: string | undefined): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat("en-GB", {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    timeZoneName: "short",
    ...(timeZone !== undefined && { timeZone }),
  });
}

const FORMATS: Readonly<Record<Zone, Intl.DateTimeFormat>> = { utc: formats("UTC"), local: formats(undefined) };

function partsOf(unixSeconds: number): Parts {
  const parts = FORMATS[shownZone].formatToParts(unixSeconds * 1000);
  return Object.fromEntries(parts.map(({ type, value }) => [type, value])) as unknown as Parts;
}

/** The name of the zone at a moment: `UTC`, `CET`, `GMT-5`. */
export function zoneName(unixSeconds: number): string {
  return partsOf(unixSeconds).timeZoneName;
}

/** Within this many seconds of now, a time of day is clear without its date, across midnight too. */
const CLEAR_WITHOUT_DATE = 12 * 3600;

/** A time of day, with its date unless it is today or near enough to now. */
function dated(unixSeconds: number, time: string, now: number): string {
  const { day, month, year, timeZoneName } = partsOf(unixSeconds);
  const today = partsOf(now);
  const zoned = `${time} ${timeZoneName}`;
  if (Math.abs(unixSeconds - now) < CLEAR_WITHOUT_DATE) return zoned;
  if (year !== today.year) return `${day} ${month} ${year}, ${zoned}`;
  return day === today.day && month === today.month ? zoned : `${day} ${month}, ${zoned}`;
}

/**
 * A time with its zone, and with its date unless it is today or less than 12 hours from now: `14:05:09 UTC`,
 * `27 Dec, 14:05:09 UTC`.
 */
export function clock(unixSeconds: number, now = Date.now() / 1000): string {
  const { hour, minute, second } = partsOf(unixSeconds);
  return dated(unixSeconds, `${hour}:${minute}:${second}`, now);
}

/** The same without seconds: `14:05 UTC`. */
export function shortClock(unixSeconds: number, now = Date.now() / 1000): string {
  return dated(unixSeconds, hourAndMinute(unixSeconds), now);
}

/** A period from one time to another: `13:10 to 13:25 UTC`; with seconds where it is short. */
export function period(from: number, to: number, now = Date.now() / 1000): string {
  const format = to - from < 120 ? clock : shortClock;
  const [start, end] = [format(from, now), format(to, now)];
  const zone = zoneName(from);
  const comma = start.lastIndexOf(", ");
  const day = comma < 0 ? "" : start.slice(0, comma + 2);
  // A zone and a date that are the same are named once.
  const first = zone === zoneName(to) ? start.slice(0, -zone.length - 1) : start;
  return `${first} to ${end.startsWith(day) ? end.slice(day.length) : end}`;
}

/** A time, always with its date: `27 Dec, 14:05:09 UTC`. */
export function dateAndClock(unixSeconds: number, now = Date.now() / 1000): string {
  const { day, month, year, hour, minute, second, timeZoneName } = partsOf(unixSeconds);
  const date = year === partsOf(now).year ? `${day} ${month}` : `${day} ${month} ${year}`;
  return `${date}, ${hour}:${minute}:${second} ${timeZoneName}`;
}

/** Hours and minutes, for an axis that names the zone elsewhere: `14:05`. */
export function hourAndMinute(unixSeconds: number): string {
  const { hour, minute } = partsOf(unixSeconds);
  return `${hour}:${minute}`;
}

/** The date of a moment: `28 Dec 2025`. */
export function date(unixSeconds: number): string {
  const { day, month, year } = partsOf(unixSeconds);
  return `${day} ${month} ${year}`;
}
