/** The properties of a simulated device: the definition as it goes over the wire, with values that change in place. */
import type {
  ElementDefinition,
  ElementValue,
  Permission,
  PropertyState,
  PropertyType,
  SwitchRule,
} from '../protocol/message.ts';

export interface Vector {
  readonly name: string;
  readonly type: PropertyType;
  readonly label: string;
  readonly group: string;
  readonly permission: Permission;
  readonly rule: SwitchRule | null;
  readonly timeoutSeconds: number;
  /** A wish for a part of its elements is dropped. */
  readonly whole: boolean;
  readonly elements: readonly ElementDefinition[];
  state: PropertyState;
}

interface VectorOptions {
  group?: string;
  label?: string;
  permission?: Permission;
  rule?: SwitchRule;
  state?: PropertyState;
  whole?: boolean;
}

const vector = (
  type: PropertyType,
  name: string,
  elements: readonly ElementDefinition[],
  options: VectorOptions,
): Vector => ({
  name,
  type,
  label: options.label ?? name,
  group: options.group ?? 'Main Control',
  permission: options.permission ?? (type === 'light' || type === 'blob' ? 'ro' : 'rw'),
  rule: type === 'switch' ? (options.rule ?? 'OneOfMany') : null,
  timeoutSeconds: 60,
  whole: options.whole ?? false,
  state: options.state ?? 'Idle',
  elements,
});

/** An element of a number vector. Equal limits mean none. */
export const number = (
  name: string,
  value: number,
  minimum = 0,
  maximum = 0,
  step = 0,
  format = '%g',
): ElementDefinition => ({ name, label: name, value, minimum, maximum, step, format });

export const numbers = (name: string, elements: readonly ElementDefinition[], options: VectorOptions = {}): Vector =>
  vector('number', name, elements, options);

/** @param on The names of the switches that are on. */
export const switches = (
  name: string,
  names: readonly string[],
  on: readonly string[],
  options: VectorOptions = {},
): Vector =>
  vector(
    'switch',
    name,
    names.map((each) => ({ name: each, label: each, value: on.includes(each) })),
    options,
  );

export const texts = (name: string, values: Readonly<Record<string, string>>, options: VectorOptions = {}): Vector =>
  vector('text', name, elementsOf(values), options);

export const lights = (
  name: string,
  values: Readonly<Record<string, PropertyState>>,
  options: VectorOptions = {},
): Vector => vector('light', name, elementsOf(values), options);

export const blobs = (name: string, element: string, options: VectorOptions = {}): Vector =>
  vector('blob', name, elementsOf({ [element]: null }), options);

const elementsOf = (values: Readonly<Record<string, ElementValue>>): ElementDefinition[] =>
  Object.entries(values).map(([name, value]) => ({ name, label: name, value }));

export const valueIn = (of: Vector, element: string): ElementValue =>
  of.elements.find(({ name }) => name === element)?.value ?? null;

/** The switch that is on. */
export const onIn = (of: Vector): string | null => of.elements.find(({ value }) => value === true)?.name ?? null;

/** The values by which one switch is on and the others are off; null: all off. */
export const only = (of: Vector, on: string | null): Record<string, boolean> =>
  Object.fromEntries(of.elements.map(({ name }) => [name, name === on]));
