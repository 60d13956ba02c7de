/** A node's settings as a table: message property, configuration property, default and range. One place merges, checks and explains. */
import type { Node, NodeAPI, NodeDef, NodeMessageInFlow } from 'node-red';
import { NightflowError } from '../lib/process/errors.ts';

interface Described {
  /** How the user knows it, for error texts: 'exposure'. */
  label: string;
}
export interface NumberInput extends Described {
  type: 'number';
  default: number | null;
  minimum?: number;
  maximum?: number;
  integer?: boolean;
  unit?: string;
}
export interface TextInput extends Described {
  type: 'text';
  default: string;
}
export interface BooleanInput extends Described {
  type: 'boolean';
  default: boolean;
}
export interface ChoiceInput<C extends string = string> extends Described {
  type: 'choice';
  choices: readonly C[];
  default: C;
}
export type InputTable = Record<string, NumberInput | TextInput | BooleanInput | ChoiceInput>;

/** The settings of a table: a number input with default null may stay null. */
export type Settings<T extends InputTable> = {
  [K in keyof T]: T[K] extends { type: 'number'; default: number }
    ? number
    : T[K] extends NumberInput
      ? number | null
      : T[K] extends BooleanInput
        ? boolean
        : T[K] extends ChoiceInput<infer C>
          ? C
          : string;
};

/** A node's settings as the editor stored them: untrusted until read through a table. */
export type NodeConfig = NodeDef & Record<string, unknown>;

type Stored = Readonly<Record<string, unknown>>;

/**
 * Merges in this order: `msg[name]`, the node's setting (typed inputs store `name` and `nameType`: num, str, bool, msg, flow,
 * global, env, jsonata), the default. @throws bad-input naming setting, value and range.
 */
export async function readSettings<T extends InputTable>(
  RED: NodeAPI,
  node: Node,
  config: Stored,
  table: T,
  msg: NodeMessageInFlow,
): Promise<Settings<T>> {
  const settings: Record<string, unknown> = {};
  for (const [name, input] of Object.entries(table)) {
    const override = (msg as unknown as Record<string, unknown>)[name];
    settings[name] = checked(
      override ?? (await configured(RED, node, config[name], config[`${name}Type`], msg)),
      input,
    );
  }
  return settings as Settings<T>;
}

/** The same without a message, for configuration nodes. @throws bad-input naming setting, value and range. */
export function readConfiguration<T extends InputTable>(config: Stored, table: T): Settings<T> {
  const settings: Record<string, unknown> = {};
  for (const [name, input] of Object.entries(table)) settings[name] = checked(config[name], input);
  return settings as Settings<T>;
}

/** A node's own name, or its type: how errors and reservations call it. */
export const nodeLabel = (node: Node): string => node.name || node.type;

/** Longest part of a wrong value that an error repeats. */
const shownCharacters = 60;

function configured(RED: NodeAPI, node: Node, value: unknown, type: unknown, msg: NodeMessageInFlow): unknown {
  if (typeof type !== 'string' || !['msg', 'flow', 'global', 'env', 'jsonata'].includes(type)) return value;
  if (value === '' || value === undefined) return undefined;
  return new Promise((resolve, reject) => {
    // JSONata throws plain objects with a message, some of them before it calls back.
    const refuse = (thrown: unknown) => {
      const reason = (thrown as { message?: string }).message ?? String(thrown);
      reject(new NightflowError('bad-input', `${type} ${String(value)} can't be read: ${reason}`, { cause: thrown }));
    };
    try {
      RED.util.evaluateNodeProperty(String(value), type, node, msg, (error, result) =>
        error ? refuse(error) : resolve(result),
      );
    } catch (thrown) {
      refuse(thrown);
    }
  });
}

function checked(given: unknown, input: InputTable[string]): unknown {
  const value = given === undefined || given === null || given === '' ? input.default : given;
  const shown = typeof value === 'object' ? (JSON.stringify(value) ?? '') : String(value);
  const refuse = (wanted: string) =>
    new NightflowError('bad-input', `The ${input.label} must be ${wanted}, not "${shown.slice(0, shownCharacters)}".`);
  if (input.type === 'boolean') {
    if (typeof value === 'boolean') return value;
    if (value === 'true' || value === 1) return true;
    if (value === 'false' || value === 0) return false;
    throw refuse('true or false');
  }
  if (input.type === 'text') {
    if (typeof value === 'object') throw refuse('a text');
    return String(value);
  }
  if (input.type === 'choice') {
    if (typeof value === 'string' && input.choices.includes(value)) return value;
    throw refuse(`one of ${input.choices.join(', ')}`);
  }
  if (value === null) return null;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  const { minimum = -Infinity, maximum = Infinity, unit = '' } = input;
  if (typeof number !== 'number' || !Number.isFinite(number)) throw refuse('a number');
  if (input.integer && !Number.isInteger(number)) throw refuse('a whole number');
  if (number < minimum || number > maximum) {
    const range = maximum === Infinity ? `at least ${minimum}` : `between ${minimum} and ${maximum}`;
    throw refuse(`${range}${unit ? ` ${unit}` : ''}`);
  }
  return number;
}
