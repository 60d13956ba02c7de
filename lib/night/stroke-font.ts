/** Letters drawn as lines, for labels in pictures: a small computer at a telescope often has no font installed. */

/** Strokes on a grid 4 wide and 6 high, y downwards: points `xy`, strokes separated by spaces. */
const glyphs: Record<string, string> = {
  '0': '103041453616050110',
  '1': '112026 1636',
  '2': '01103041420646',
  '3': '0110304142334445361605 1333',
  '4': '36300444',
  '5': '400002324345361605',
  '6': '413010010516364544331304',
  '7': '00404126',
  '8': '13020110304142331304051636454433',
  '9': '051636454130100102133342',
  A: '062046 1434',
  B: '000636454433 0030414233 0333',
  C: '4130100105163645',
  D: '00063645413000',
  E: '40000646 0333',
  F: '400006 0333',
  G: '41301001051636454323',
  H: '0006 4046 0343',
  I: '1030 2026 1636',
  J: '4045361605',
  K: '0006 4003 1246',
  L: '000646',
  M: '0600244046',
  N: '06004640',
  O: '103041453616050110',
  P: '06003041423303',
  Q: '103041453616050110 2446',
  R: '06003041423303 2346',
  S: '413010010213334445361605',
  T: '0040 2026',
  U: '000516364540',
  V: '002640',
  W: '0016233640',
  X: '0046 4006',
  Y: '002340 2326',
  Z: '00400646',
  ':': '2122 2425',
  '-': '1333',
  '+': '1333 2224',
  '.': '2526',
  '/': '4006',
  '(': '30212536',
  ')': '10212516',
  _: '0646',
};

/** Width of a letter with the space after it, in letter heights. */
const advance = 5.6 / 6;

export const textWidth = (text: string, height: number): number =>
  Math.max(0, text.length * advance - 1.6 / 6) * height;

/** An SVG path for `text` (letters become capitals; what has no glyph becomes a space). @param x @param y of the top left corner, pixels. */
export function textPath(text: string, x: number, y: number, height: number): string {
  const unit = height / 6;
  let path = '';
  [...text.toUpperCase()].forEach((letter, index) => {
    const left = x + index * advance * height;
    for (const stroke of (glyphs[letter] ?? '').split(' ')) path += strokePath(stroke, left, y, unit);
  });
  return path;
}

function strokePath(stroke: string, x: number, y: number, unit: number): string {
  let path = '';
  for (let at = 0; at + 1 < stroke.length; at += 2)
    path += `${at === 0 ? 'M' : 'L'}${(x + Number(stroke[at]) * unit).toFixed(1)} ${(y + Number(stroke[at + 1]) * unit).toFixed(1)}`;
  return path;
}
