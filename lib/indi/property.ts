/** Devices and properties as they stand: plain objects that are never changed in place, so a listener can compare old and new. */
import type {
  BlobValue,
  ElementDefinition,
  ElementValue,
  Permission,
  PropertyState,
  PropertyType,
  SwitchRule,
} from './protocol/message.ts';

export interface IndiProperty {
  readonly device: string;
  readonly name: string;
  readonly type: PropertyType;
  readonly label: string;
  readonly group: string;
  readonly state: PropertyState;
  readonly permission: Permission;
  readonly rule: SwitchRule | null;
  /** Seconds the driver expects a change to take; 0: it does not know. */
  readonly timeoutSeconds: number;
  /** The driver's, ISO 8601 UTC without Z. */
  readonly timestamp: string | null;
  /** In the driver's order. */
  readonly elements: ReadonlyMap<string, ElementDefinition>;
  /** Grows with every change of the store: what is larger than one noted before has happened since. */
  readonly revision: number;
  /** When the last definition or update arrived, ms since 1970. */
  readonly at: number;
}

/** Typed looks at a property that may not be there: what is missing is null, never an exception. */
export const elementValue = (property: IndiProperty | undefined, element: string): ElementValue =>
  property?.elements.get(element)?.value ?? null;

export function numberOf(property: IndiProperty | undefined, element: string): number | null {
  const value = elementValue(property, element);
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

export function textOf(property: IndiProperty | undefined, element: string): string | null {
  const value = elementValue(property, element);
  return typeof value === 'string' ? value : null;
}

export const isOn = (property: IndiProperty | undefined, element: string): boolean =>
  elementValue(property, element) === true;

/** The first switch that is on. */
export const switchOf = (property: IndiProperty | undefined): string | null =>
  [...(property?.elements.values() ?? [])].find(({ value }) => value === true)?.name ?? null;

export function blobOf(property: IndiProperty | undefined, element: string): BlobValue | null {
  const value = elementValue(property, element);
  return value !== null && typeof value === 'object' ? value : null;
}
