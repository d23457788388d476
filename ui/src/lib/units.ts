/** Quantities with their unit spelled out, in steps people read (Wh to kWh, W to kW). */
import { numberFormat } from "./locale";

function number(value: number, digits: number, language: string): string {
  return numberFormat(language, { maximumFractionDigits: digits }).format(value);
}

export function formatEnergy(wattHours: number | null | undefined, language: string): string {
  if (wattHours === null || wattHours === undefined) return "–";
  if (Math.abs(wattHours) >= 1_000_000) return `${number(wattHours / 1_000_000, 2, language)} MWh`;
  return Math.abs(wattHours) >= 1000 ? `${number(wattHours / 1000, 2, language)} kWh` : `${number(wattHours, 0, language)} Wh`;
}

/** A reading of a meter: always in kWh, so that two of them can be told apart. */
export function formatReading(wattHours: number | null | undefined, language: string): string {
  return wattHours === null || wattHours === undefined ? "–" : `${number(wattHours / 1000, 3, language)} kWh`;
}

export function formatPower(watts: number | null | undefined, language: string): string {
  if (watts === null || watts === undefined) return "–";
  if (Math.abs(watts) >= 1_000_000) return `${number(watts / 1_000_000, 2, language)} MW`;
  return Math.abs(watts) >= 1000 ? `${number(watts / 1000, 2, language)} kW` : `${number(watts, 0, language)} W`;
}

export function formatBytes(bytes: number | null | undefined, language: string): string {
  if (bytes === null || bytes === undefined) return "–";
  const units = ["B", "kB", "MB", "GB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${number(value, unit === 0 ? 0 : 1, language)} ${units[unit]}`;
}

export function formatCount(count: number, language: string): string {
  return number(count, 0, language);
}

export function formatCurrent(amperes: number | null | undefined, language: string): string {
  return amperes === null || amperes === undefined ? "–" : `${number(amperes, 1, language)} A`;
}
