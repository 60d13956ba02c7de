/** Every message of the INDI 1.7 protocol, in both directions, as plain objects. */

export type PropertyType = 'text' | 'number' | 'switch' | 'light' | 'blob';
export type PropertyState = 'Idle' | 'Ok' | 'Busy' | 'Alert';
export type Permission = 'ro' | 'wo' | 'rw';
export type SwitchRule = 'OneOfMany' | 'AtMostOne' | 'AnyOfMany';
export type BlobPolicy = 'Never' | 'Also' | 'Only';

/** A BLOB as it arrived. `data` is null when it was skipped (not wanted on this socket) or refused (`error` says why). */
export interface BlobValue {
  /** '.fits', '.fits.fz', '.stream', …; without the '.z' that was inflated on arrival. */
  format: string;
  /** Bytes as the sender says they are without compression. */
  declaredBytes: number;
  data: SharedArrayBuffer | null;
  /** Bytes of `data` that belong to the BLOB. */
  byteLength: number;
  error: string | null;
  /** When its first and its last byte arrived here, ms since 1970; null when nobody looked at the clock. */
  firstByteAt: number | null;
  arrivedAt: number | null;
}

/** What an element holds: text, a number (NaN as drivers send it), On as true, a light's state, a BLOB. */
export type ElementValue = string | number | boolean | BlobValue | null;

export interface ElementDefinition {
  name: string;
  label: string;
  value: ElementValue;
  /** Numbers only: a printf format or INDI's own `%W.Fm`. */
  format?: string;
  /** Numbers only. Equal limits mean no limit, a step of 0 no step. */
  minimum?: number;
  maximum?: number;
  step?: number;
}

export interface NamedValue {
  name: string;
  value: ElementValue;
}

/** ISO 8601 UTC as the sender wrote it, without a Z; null when it gave none. */
type Timestamp = string | null;

export interface Definition {
  tag: 'def';
  type: PropertyType;
  device: string;
  name: string;
  label: string;
  group: string;
  state: PropertyState;
  /** Lights are always 'ro'. */
  permission: Permission;
  /** Switches only. */
  rule: SwitchRule | null;
  /** Seconds the driver expects a change to take; 0: it does not know. */
  timeoutSeconds: number;
  timestamp: Timestamp;
  message: string | null;
  elements: readonly ElementDefinition[];
}

export interface Update {
  tag: 'set';
  type: PropertyType;
  device: string;
  name: string;
  /** null: as before. */
  state: PropertyState | null;
  timeoutSeconds: number | null;
  timestamp: Timestamp;
  message: string | null;
  /** May be a subset. */
  elements: readonly NamedValue[];
}

/** A wish of a client. A server repeats those of other clients to everyone. */
export interface Wish {
  tag: 'new';
  type: Exclude<PropertyType, 'light'>;
  device: string;
  name: string;
  timestamp: Timestamp;
  elements: readonly NamedValue[];
}

export interface Notice {
  tag: 'message';
  /** null: from the server. */
  device: string | null;
  timestamp: Timestamp;
  message: string;
}

export interface Deletion {
  tag: 'delProperty';
  device: string;
  /** null: the whole device. */
  name: string | null;
  timestamp: Timestamp;
  message: string | null;
}

export interface GetProperties {
  tag: 'getProperties';
  /** Always sent by us: drivers of 1.9.9 end themselves without it. */
  version: string | null;
  device: string | null;
  name: string | null;
}

export interface EnableBlob {
  tag: 'enableBLOB';
  device: string | null;
  name: string | null;
  policy: BlobPolicy;
}

export interface Ping {
  tag: 'pingRequest' | 'pingReply';
  uid: string;
}

export type IndiMessage = Definition | Update | Wish | Notice | Deletion | GetProperties | EnableBlob | Ping;

export const protocolVersion = '1.7';

/** `defNumberVector` and its like: what a root element is, and what its children are called. */
export interface RootTag {
  tag: IndiMessage['tag'];
  type: PropertyType | null;
  child: string | null;
}

const typeWords: readonly [PropertyType, string][] = [
  ['text', 'Text'],
  ['number', 'Number'],
  ['switch', 'Switch'],
  ['light', 'Light'],
  ['blob', 'BLOB'],
];

export const typeWord = (type: PropertyType): string => typeWords.find(([each]) => each === type)![1];

export const rootTags: ReadonlyMap<string, RootTag> = new Map<string, RootTag>([
  ...typeWords.flatMap(([type, word]): [string, RootTag][] => [
    [`def${word}Vector`, { tag: 'def', type, child: `def${word}` }],
    [`set${word}Vector`, { tag: 'set', type, child: `one${word}` }],
  ]),
  ...typeWords
    .filter(([type]) => type !== 'light')
    .map(([type, word]): [string, RootTag] => [`new${word}Vector`, { tag: 'new', type, child: `one${word}` }]),
  ...(['message', 'delProperty', 'getProperties', 'enableBLOB', 'pingRequest', 'pingReply'] as const).map(
    (tag): [string, RootTag] => [tag, { tag, type: null, child: null }],
  ),
]);
