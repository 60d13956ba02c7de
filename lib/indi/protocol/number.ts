/** INDI's numbers: decimal or sexagesimal when read, plain decimal when sent, printf formats and %W.Fm for display. */

/**
 * Decimal or sexagesimal with `:`, `;`, `h m s`, `° ' "` or blanks between (protocol 1.7, "numberValue"). NaN and infinities
 * are read, since drivers send them.
 * @returns null when the text is no number.
 */
export function parseNumber(text: string): number | null {
  const trimmed = text.trim();
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(trimmed)) return Number(trimmed);
  if (/^[+-]?nan(?:\(\w*\))?$/i.test(trimmed)) return Number.NaN;
  const infinite = /^([+-]?)inf(?:inity)?$/i.exec(trimmed);
  if (infinite) return infinite[1] === '-' ? -Infinity : Infinity;
  const sexagesimal =
    /^([+-]?)\s*(\d+)(?:\s*[:;hd°]\s*|\s+)(\d+(?:\.\d*)?)(?:(?:\s*[:;m'′]\s*|\s+)(\d+(?:\.\d*)?))?\s*[ms'"′″]?$/i.exec(
      trimmed,
    );
  if (!sexagesimal) return null;
  const [, sign, whole, minutes, seconds = '0'] = sexagesimal;
  // A fraction of minutes leaves no place for seconds.
  if (Number(minutes) >= 60 || Number(seconds) >= 60 || (minutes!.includes('.') && sexagesimal[4])) return null;
  const value = Number(whole) + Number(minutes) / 60 + Number(seconds) / 3600;
  return sign === '-' ? -value : value;
}

/** Shortest decimal that reads back as the same number, never with an exponent: libindi takes the minus of `1e-7` for a sign. */
export function plainDecimal(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`${value} can't be sent as a number.`);
  const text = String(value);
  const parts = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (!parts) return text;
  const [, sign, first, rest = '', exponent] = parts;
  const digits = first! + rest;
  const shift = Number(exponent);
  return shift < 0
    ? `${sign}0.${'0'.repeat(-shift - 1)}${digits}`
    : `${sign}${digits}${'0'.repeat(shift - rest.length)}`;
}

/** The number as the driver wants it shown: printf (d i u e f g and their capitals) or `%<w>.<f>m`, f = 3 5 6 8 9. */
export function formatNumber(value: number, format: string): string {
  const found = /^([^%]*)%([-+ 0#]*)(\d{0,3})(?:\.(\d{0,3}))?(?:hh|h|ll|l|L|q|j|z|t)?([a-zA-Z])(.*)$/s.exec(format);
  if (!found || !Number.isFinite(value)) return String(value);
  const [, before, flags, width, precision, letter, after] = found;
  const digits = Math.min(20, precision === undefined ? 6 : Number(precision));
  const body =
    letter === 'm' ? sexagesimalText(value, digits) : printf(value, letter!, digits, precision === undefined);
  if (body === null) return String(value);
  const signed = !body.startsWith('-') && flags!.includes('+') ? `+${body}` : body;
  const columns = Math.min(64, Number(width));
  const padded = flags!.includes('-')
    ? signed.padEnd(columns)
    : flags!.includes('0') && letter !== 'm'
      ? signed.replace(
          /^([+-]?)(.*)$/s,
          (_, sign: string, rest: string) => sign + rest.padStart(columns - sign.length, '0'),
        )
      : signed.padStart(columns);
  return before + padded + after;
}

function printf(value: number, letter: string, digits: number, unspecified: boolean): string | null {
  switch (letter.toLowerCase()) {
    case 'd':
    case 'i':
    case 'u':
      return String(Math.trunc(value));
    case 'f':
      return value.toFixed(digits);
    case 'e':
      return exponentTwoDigits(value.toExponential(digits), letter);
    case 'g': {
      const significant = Math.max(1, unspecified ? 6 : digits);
      const exponent = value === 0 ? 0 : Number(value.toExponential(significant - 1).split('e')[1]);
      if (exponent >= -4 && exponent < significant)
        return withoutZeros(value.toFixed(Math.min(20, Math.max(0, significant - 1 - exponent))));
      const [mantissa, power] = value.toExponential(significant - 1).split('e');
      return exponentTwoDigits(`${withoutZeros(mantissa!)}e${power}`, letter);
    }
    default:
      return null;
  }
}

const withoutZeros = (text: string): string => (text.includes('.') ? text.replace(/\.?0+$/, '') : text);

/** C writes at least two digits of exponent. */
const exponentTwoDigits = (text: string, letter: string): string => {
  const padded = text.replace(/e([+-])(\d)$/, 'e$10$2');
  return letter === letter.toUpperCase() ? padded.toUpperCase() : padded;
};

/** fs_sexa of libindi: f 9 :mm:ss.ss, 8 :mm:ss.s, 6 :mm:ss, 5 :mm.m, 3 :mm. Rounded as a whole, so 59.999 never shows as 60. */
function sexagesimalText(value: number, f: number): string | null {
  const perUnit = ({ 3: 60, 5: 600, 6: 3600, 8: 36000, 9: 360000 } as Record<number, number>)[f];
  if (perUnit === undefined) return null;
  const total = Math.round(Math.abs(value) * perUnit);
  const whole = Math.floor(total / perUnit);
  const rest = total % perUnit;
  const two = (number: number) => String(number).padStart(2, '0');
  const sign = value < 0 && total > 0 ? '-' : '';
  if (f === 3) return `${sign}${whole}:${two(rest)}`;
  if (f === 5) return `${sign}${whole}:${two(Math.floor(rest / 10))}.${rest % 10}`;
  const perSecond = perUnit / 3600;
  const seconds = Math.floor(rest / perSecond);
  const fraction = perSecond === 1 ? '' : `.${String(rest % perSecond).padStart(perSecond === 10 ? 1 : 2, '0')}`;
  return `${sign}${whole}:${two(Math.floor(seconds / 60))}:${two(seconds % 60)}${fraction}`;
}
