const quad = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

/** Value of a dotted quad; no octal, no leading zeros, no short forms (they mean different things to different programs). */
export function parseIPv4(text: string): number | undefined {
  if (text.length > 15) return undefined;
  const match = quad.exec(text);
  if (match === null) return undefined;
  let value = 0;
  for (let index = 1; index <= 4; index += 1) {
    const digits = match[index] as string;
    const octet = Number(digits);
    if (octet > 255 || (digits.length > 1 && digits.startsWith("0"))) return undefined;
    value = value * 256 + octet;
  }
  return value;
}

export function formatIPv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}
