/** JPEGs one after the other in a stream of bytes, as cameras and video programs send them: cut apart, only the latest kept. */

const startOfImage = Buffer.from([0xff, 0xd8]);
/** Stands nowhere else: coded data escape it, and live pictures carry no thumbnail. */
const endOfImage = Buffer.from([0xff, 0xd9]);
/** A live picture is a hundred kilobytes; what is larger is none. */
const largestPicture = 16e6;

export class JpegStream {
  private rest: Buffer = Buffer.alloc(0);

  /** @returns the pictures that are whole now. */
  read(chunk: Uint8Array): Buffer[] {
    const pictures: Buffer[] = [];
    // The end may lie across two chunks.
    let from = Math.max(0, this.rest.length - 1);
    this.rest = this.rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.rest, chunk]);
    for (;;) {
      const end = this.rest.indexOf(endOfImage, from);
      if (end < 0) break;
      const start = this.rest.indexOf(startOfImage);
      if (start >= 0 && start < end) pictures.push(Buffer.from(this.rest.subarray(start, end + 2)));
      this.rest = this.rest.subarray(end + 2);
      from = 0;
    }
    if (this.rest.length > largestPicture) this.rest = Buffer.alloc(0);
    return pictures;
  }
}

/** Holds one value: who comes late gets the latest, and nobody waits for who is slow. */
export class Latest<Value> {
  private value: Value | null = null;
  private wake: () => void = () => {};
  private change = this.nextChange();
  private over = false;
  private failure: unknown = null;

  set(value: Value): void {
    if (this.over) return;
    this.value = value;
    this.changed();
  }

  /** No more will come; with a failure, `take` throws it. */
  end(failure: unknown = null): void {
    if (this.over) return;
    this.over = true;
    this.failure = failure;
    this.changed();
  }

  /** The latest value that was not taken yet; null at the end. */
  async take(): Promise<Value | null> {
    for (;;) {
      const { value, change } = this;
      this.value = null;
      if (value !== null) return value;
      if (this.failure !== null) throw this.failure;
      if (this.over) return null;
      await change;
    }
  }

  private changed(): void {
    const { wake } = this;
    this.change = this.nextChange();
    wake();
  }

  private nextChange(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }
}
