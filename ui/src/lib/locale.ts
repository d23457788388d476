/** How this viewer writes dates and numbers; formatters are made once, since a table asks for hundreds a second. */

/** The viewer's own form of the language of the page: en-GB rather than en. */
export function localeOf(language: string): string {
  return navigator.languages.find((each) => each === language || each.startsWith(`${language}-`)) ?? language;
}

const dates = new Map<string, Intl.DateTimeFormat>();
const numbers = new Map<string, Intl.NumberFormat>();

export function dateFormat(language: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = language + JSON.stringify(options);
  const known = dates.get(key);
  if (known) return known;
  const made = new Intl.DateTimeFormat(localeOf(language), options);
  dates.set(key, made);
  return made;
}

export function numberFormat(language: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = language + JSON.stringify(options);
  const known = numbers.get(key);
  if (known) return known;
  const made = new Intl.NumberFormat(localeOf(language), options);
  numbers.set(key, made);
  return made;
}
