/** Typed events without Node's EventEmitter: a listener is taken off by the function that putting it on returned. */

export type Listener<Value> = (value: Value) => void;

export class Events<Map extends object> {
  private readonly listeners: { [Name in keyof Map]?: Set<Listener<Map[Name]>> } = {};
  private readonly onListenerError: (error: unknown) => void;

  /** @param onListenerError Told what a listener threw; the other listeners and the emitter go on. */
  constructor(onListenerError: (error: unknown) => void = () => {}) {
    this.onListenerError = onListenerError;
  }

  on<Name extends keyof Map>(name: Name, listener: Listener<Map[Name]>): () => void {
    let set = this.listeners[name];
    if (!set) {
      set = new Set();
      this.listeners[name] = set;
    }
    set.add(listener);
    return () => set.delete(listener);
  }

  emit<Name extends keyof Map>(name: Name, value: Map[Name]): void {
    for (const listener of [...(this.listeners[name] ?? [])])
      try {
        listener(value);
      } catch (error) {
        this.onListenerError(error);
      }
  }
}
