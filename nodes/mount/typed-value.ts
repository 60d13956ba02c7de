/** A setting that may be anything: a number, a text, true or false, JSON, or what a message, a context or an expression gives. */
import type { NodeAPI } from 'node-red';
import { NightflowError } from '../../lib/process/errors.ts';
import type { AstroMessage, Node } from '../types.ts';

/** @throws bad-input naming the expression that can't be read */
export function typedValue(
  RED: NodeAPI,
  node: Node,
  config: Readonly<Record<string, unknown>>,
  name: string,
  msg: AstroMessage,
): Promise<unknown> {
  const value = String(config[name] ?? 'payload');
  const type = String(config[`${name}Type`] ?? 'msg');
  return new Promise((resolve, reject) => {
    const refuse = (thrown: unknown) => {
      const reason = (thrown as { message?: string }).message ?? String(thrown);
      reject(
        new NightflowError('bad-input', `${type} ${value.slice(0, 60)} can't be read: ${reason}`, { cause: thrown }),
      );
    };
    try {
      RED.util.evaluateNodeProperty(value, type, node, msg, (error, result) =>
        error ? refuse(error) : resolve(result),
      );
    } catch (thrown) {
      refuse(thrown);
    }
  });
}
