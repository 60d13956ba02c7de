import { describe, expect, it } from 'vitest';
import { encodeMessage } from '../../lib/indi/protocol/encode.ts';
import type { IndiMessage } from '../../lib/indi/protocol/message.ts';
import { parse } from './collect.ts';

const definition: IndiMessage = {
  tag: 'def',
  type: 'number',
  device: 'Telescope & Co. <1>',
  name: 'EQUATORIAL_EOD_COORD',
  label: 'Koordinaten °',
  group: 'Main Control',
  state: 'Idle',
  permission: 'rw',
  rule: null,
  timeoutSeconds: 60,
  timestamp: '2026-11-21T06:18:30',
  message: 'It\'s "ready"',
  elements: [
    {
      name: 'RA',
      label: 'RA (hh:mm:ss)',
      value: 4.066503190621105,
      format: '%010.6m',
      minimum: 0,
      maximum: 24,
      step: 0,
    },
    { name: 'DEC', label: 'DEC (dd:mm:ss)', value: -0.5, format: '%010.6m', minimum: -90, maximum: 90, step: 0 },
  ],
};

const vector = {
  device: 'D',
  name: 'P',
  label: 'P',
  group: 'G',
  timeoutSeconds: 0,
  timestamp: null,
  message: null,
} as const;
const everyMessage: IndiMessage[] = [
  definition,
  {
    ...vector,
    tag: 'def',
    type: 'text',
    state: 'Ok',
    permission: 'rw',
    rule: null,
    elements: [{ name: 'T', label: 'T', value: 'a <b> & "c"' }],
  },
  {
    ...vector,
    tag: 'def',
    type: 'switch',
    state: 'Busy',
    permission: 'wo',
    rule: 'OneOfMany',
    elements: [{ name: '1x', label: '1x', value: true }],
  },
  {
    ...vector,
    tag: 'def',
    type: 'light',
    state: 'Alert',
    permission: 'ro',
    rule: null,
    elements: [{ name: 'L', label: 'L', value: 'Ok' }],
  },
  {
    ...vector,
    tag: 'def',
    type: 'blob',
    state: 'Idle',
    permission: 'ro',
    rule: null,
    elements: [{ name: 'CCD1', label: 'Image', value: null }],
  },
  {
    tag: 'set',
    type: 'number',
    device: 'D',
    name: 'P',
    state: null,
    timeoutSeconds: null,
    timestamp: null,
    message: null,
    elements: [{ name: 'N', value: 1e-7 }],
  },
  {
    tag: 'set',
    type: 'light',
    device: 'D',
    name: 'P',
    state: 'Ok',
    timeoutSeconds: 5,
    timestamp: null,
    message: 'm',
    elements: [{ name: 'L', value: 'Alert' }],
  },
  { tag: 'new', type: 'text', device: 'D', name: 'P', timestamp: null, elements: [{ name: 'T', value: '' }] },
  { tag: 'new', type: 'switch', device: 'D', name: 'P', timestamp: null, elements: [{ name: 'A', value: false }] },
  { tag: 'message', device: null, timestamp: null, message: 'Hello' },
  { tag: 'delProperty', device: 'D', name: null, timestamp: null, message: null },
  { tag: 'delProperty', device: 'D', name: 'P', timestamp: '2026-11-21T06:18:30', message: 'gone' },
  { tag: 'getProperties', version: '1.7', device: 'D', name: 'P' },
  { tag: 'enableBLOB', device: 'D', name: null, policy: 'Only' },
  { tag: 'pingRequest', uid: '7' },
  { tag: 'pingReply', uid: '7' },
];

const ok = '<setSwitchVector device="D" name="P" state="Ok"><oneSwitch name="A">On</oneSwitch></setSwitchVector>';
const next: IndiMessage = { tag: 'message', device: 'D', timestamp: null, message: 'next' };
const nextXml = '<message device="D" message="next"/>';

describe('the parser', () => {
  it.each([[[]], [[1]], [[2, 3]], [[7, 64, 1]]])('reads what the encoder writes, cut into pieces of %j', (cuts) => {
    const { messages, faults } = parse(everyMessage.map(encodeMessage).join(''), cuts);
    expect(faults).toEqual([]);
    expect(messages).toEqual(everyMessage);
  });

  it('reads the prologue, comments, both quotes, blanks, empty vectors and several roots in a packet', () => {
    const input = `<?xml version='1.0'?><!-- a > b, <message/> -- --><delProperty  device = 'a"b' \n/>${ok}<setTextVector device="D" name="T"></setTextVector >`;
    const { messages, faults } = parse(input);
    expect(faults).toEqual([]);
    expect(messages.map(({ tag }) => tag)).toEqual(['delProperty', 'set', 'set']);
    expect(messages[0]).toMatchObject({ device: 'a"b' });
  });

  it('decodes the five entities and character references, and lets nothing expand', () => {
    const [message] = parse('<message message="&lt;&gt;&amp;&apos;&quot; &#176;&#x2013; &nbsp; S&T &#0;"/>').messages;
    expect(message).toMatchObject({ message: '<>&\'" °– &nbsp; S&T &#0;' });
  });

  it('trims the text of elements as drivers pad it, and keeps blanks inside', () => {
    const input =
      '<setTextVector device="D" name="P"><oneText name="Unit Info">\n      a  b\n    </oneText></setTextVector>';
    expect(parse(input, [3]).messages[0]).toMatchObject({ elements: [{ name: 'Unit Info', value: 'a  b' }] });
  });

  it('shows a number that can’t be read as not known, and keeps the state', () => {
    const input =
      '<setNumberVector device="D" name="P" state="Ok"><oneNumber name="N">1,5</oneNumber></setNumberVector>';
    expect(parse(input).messages[0]).toMatchObject({ state: 'Ok', elements: [{ value: Number.NaN }] });
  });

  it('has no way to reach an object’s prototype', () => {
    const input =
      '<setTextVector device="__proto__" name="constructor"><oneText name="__proto__">x</oneText></setTextVector>';
    expect(parse(input).messages[0]).toMatchObject({
      device: '__proto__',
      elements: [{ name: '__proto__', value: 'x' }],
    });
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });
});

describe('after bad input the next message is read', () => {
  const bad: [string, string, string][] = [
    ['text between messages', 'garbage \u0000\u0001', 'garbage'],
    ['an unknown root', '<banana a="1"/>', 'unknown'],
    ['a closing tag alone', '</setTextVector>', 'malformed'],
    ['a message that is not complete', '<setNumberVector device="D" name="P"><oneNumber name="N">1', 'unfinished'],
    ['a tag that is not closed', '<setNumberVector device="D" name="P"', 'malformed'],
    ['a quote that is not closed', '<message device="D message=', 'malformed'],
    [
      'a wrong child',
      '<setNumberVector device="D" name="P"><oneText name="N">1</oneText></setNumberVector>',
      'malformed',
    ],
    ['a child in a child', '<setTextVector device="D" name="P"><oneText name="N"><oneText name="M">', 'malformed'],
    ['the wrong closing tag', '<setTextVector device="D" name="P"></setNumberVector>', 'malformed'],
    [
      'CDATA',
      '<setTextVector device="D" name="P"><oneText name="N"><![CDATA[1]]></oneText></setTextVector>',
      'forbidden',
    ],
    ['a document type', '<!DOCTYPE a SYSTEM "file:///etc/passwd">', 'forbidden'],
    ['a document type with entities', '<!DOCTYPE a [ <!ENTITY b "c"> ]>', 'malformed'],
    ['an attribute twice', '<message device="A" device="B"/>', 'malformed'],
    ['an attribute without quotes', '<message device=A/>', 'malformed'],
    ['no device', '<setTextVector name="P"></setTextVector>', 'refused'],
    ['a state that is none', '<setTextVector device="D" name="P" state="ok"></setTextVector>', 'refused'],
    [
      'a switch that is neither',
      '<setSwitchVector device="D" name="P"><oneSwitch name="A">on</oneSwitch></setSwitchVector>',
      'refused',
    ],
    ['a definition without permission', '<defTextVector device="D" name="P" state="Ok"></defTextVector>', 'refused'],
    [
      'an element twice',
      '<setTextVector device="D" name="P"><oneText name="A"/><oneText name="A"/></setTextVector>',
      'refused',
    ],
    [
      'an attached BLOB',
      '<setBLOBVector device="D" name="P"><oneBLOB name="A" size="5" format=".fits" attached="true"/></setBLOBVector>',
      'refused',
    ],
    ['a comment without an end', `<!-- ${'x'.repeat(2000)}`, 'too-large'],
    ['a tag without an end', `<message message="${'x'.repeat(2000)}"/>`, 'too-large'],
    ['a name without an end', `<delProperty device="${'x'.repeat(300)}"/>`, 'refused'],
    ['too many attributes', `<message ${Array.from({ length: 40 }, (_, i) => `a${i}="1"`).join(' ')}/>`, 'malformed'],
    ['a text without an end', `<setTextVector device="D" name="P"><oneText name="A">${'x'.repeat(5000)}`, 'too-large'],
    [
      'too many elements',
      `<setTextVector device="D" name="P">${Array.from({ length: 20 }, (_, i) => `<oneText name="${i}"/>`).join('')}</setTextVector>`,
      'too-large',
    ],
  ];
  const limits = { tagBytes: 1000, textBytes: 4000, messageBytes: 20_000, elements: 10 };

  it.each(bad)('%s', (_what, input, kind) => {
    for (const cuts of [[], [1], [5]]) {
      const { messages, faults } = parse(input + nextXml, cuts, limits);
      expect(messages).toEqual([next]);
      expect(faults).toEqual([{ kind, text: expect.stringMatching(/\.$|[.…]$/) }]);
    }
  });

  it('is told once, however long the rubbish', () => {
    const rubbish = Array.from({ length: 1000 }, (_, i) => `<oneText name="${i}">x</oneText></a> b `).join('');
    const { messages, faults } = parse(rubbish + ok + nextXml);
    expect(faults).toHaveLength(1);
    expect(messages).toHaveLength(2);
  });

  it('of any bytes before it', () => {
    const bytes = Buffer.from(
      Array.from({ length: 4096 }, (_, i) => (i * 7919) & 0xff).filter((byte) => byte !== 0x3c),
    );
    expect(parse(Buffer.concat([bytes, Buffer.from(nextXml)])).messages).toEqual([next]);
  });

  it('believes no message of endless small elements', () => {
    const many = `<setTextVector device="D" name="P">${'<oneText name="A">x</oneText>'.repeat(2000)}`;
    expect(parse(many + nextXml, [], limits)).toMatchObject({ messages: [next], faults: [{ kind: 'too-large' }] });
  });

  it('says when the connection ends in the middle of a message', () => {
    expect(parse('<setTextVector device="D" name="P">').faults).toMatchObject([{ kind: 'unfinished' }]);
  });
});

describe('the encoder', () => {
  it('refuses what XML or libindi can’t read', () => {
    const wish = (value: string | number): IndiMessage => ({
      tag: 'new',
      type: typeof value === 'number' ? 'number' : 'text',
      device: 'D',
      name: 'P',
      timestamp: null,
      elements: [{ name: 'E', value }],
    });
    expect(() => encodeMessage(wish('a\u0000b'))).toThrow(/character that INDI can't carry/);
    for (const value of [Number.NaN, Infinity])
      expect(() => encodeMessage(wish(value))).toThrow(/D\.P\.E can't be set to/);
    expect(encodeMessage(wish(1e-7))).toContain('>0.0000001<');
  });
});
