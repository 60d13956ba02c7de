/** What can be made to go wrong in the simulator: rules that wait for a wish, a BLOB or an answer and spoil it. */

export type FaultKind =
  /** The wish is looked at `seconds` later. */
  | 'delay'
  /** The wish is dropped without a word, as drivers do. */
  | 'no-reply'
  /** Ok, Alert with a message, Ok, within a millisecond; nothing is changed. */
  | 'alert-then-ok'
  /** The property says Ok from the beginning while the device still moves. */
  | 'ok-early'
  /** Busy, and nothing more until an abort or another wish. */
  | 'busy-forever'
  /** The driver ends: its properties go, and 60 ms later it is defined again, not connected. */
  | 'crash'
  /** The connection is cut in the middle of the BLOB. */
  | 'drop-in-blob'
  /** The BLOB says that it is ten times as long as it is. */
  | 'lying-blob'
  /** Bytes that are no message come before the next answer of the device. */
  | 'garbage';

export interface FaultRule {
  kind: FaultKind;
  /** Absent: any device; any property. */
  device?: string;
  property?: string;
  /** How often it strikes; once when absent. */
  times?: number;
  /** Of a delay; 1 when absent. */
  seconds?: number;
}

export class Faults {
  private rules: { rule: FaultRule; left: number }[] = [];

  /** @returns takes the rule away again. */
  add(rule: FaultRule): () => void {
    const entry = { rule, left: rule.times ?? 1 };
    this.rules.push(entry);
    return () => {
      this.rules = this.rules.filter((each) => each !== entry);
    };
  }

  clear(): void {
    this.rules = [];
  }

  /** The first rule of these kinds that strikes here; it is used up by one. */
  take(kinds: readonly FaultKind[], device: string, property: string): FaultRule | null {
    const found = this.rules.find(
      ({ rule }) =>
        kinds.includes(rule.kind) &&
        (rule.device === undefined || rule.device === device) &&
        (rule.property === undefined || rule.property === property),
    );
    if (!found) return null;
    if (--found.left <= 0) this.rules = this.rules.filter((each) => each !== found);
    return found.rule;
  }
}
