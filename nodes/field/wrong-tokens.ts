/** Wrong tokens by address, so that nobody tries them all: as many as wrong passwords are allowed. */
import { createHash } from 'node:crypto';
import { type Clock, realClock } from '../../lib/clock/clock.ts';

const limit = 10;
/** Addresses that are remembered: an attacker with many must not fill the memory. */
const mostAddresses = 1000;

export class WrongTokens {
  readonly minutes = 5;
  private readonly clock: Clock;
  /** When each was tried last, UTC ms, by address and sum: the same one again, an old cookie's, is no guess. */
  private readonly tried = new Map<string, Map<string, number>>();

  constructor(clock: Clock = realClock) {
    this.clock = clock;
  }

  /** Also for who brings the right one now: otherwise the answer would tell. */
  tooMany(address: string): boolean {
    return this.recent(address).size >= limit;
  }

  add(address: string, guess: string): void {
    if (this.tried.size >= mostAddresses) this.tried.clear();
    const recent = this.recent(address);
    this.tried.set(address, recent.set(createHash('sha256').update(guess).digest('hex'), this.clock.now()));
  }

  private recent(address: string): Map<string, number> {
    const since = this.clock.now() - this.minutes * 60_000;
    return new Map([...(this.tried.get(address) ?? [])].filter(([, time]) => time > since));
  }
}
