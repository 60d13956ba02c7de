/** Moves a focuser for an autofocus: its own count of the position, always within bounds, and without the play of the gears. */
import type { Focuser } from '../camera/focuser.ts';
import { asNightflowError, NightflowError, throwIfAborted } from '../process/errors.ts';

export interface DriveOptions {
  /**
   * `overshoot`: a move against `approach` goes past its goal by `backlashSteps` and comes back, so that the gears always press the same
   * way. `absolute`: a turn of the direction adds `backlashSteps` to the motor's way; for drives whose play is known well. Default `none`.
   */
  backlash?: 'none' | 'overshoot' | 'absolute';
  backlashSteps?: number;
  /** The direction in which measurements are arrived at. Default inwards (to smaller positions). */
  approach?: 'inwards' | 'outwards';
  /** A relative drive whose positive steps go inwards. */
  inverted?: boolean;
  /** Nearest and farthest positions allowed; for a relative drive, steps from where it stood at the start. */
  minimum?: number | null;
  maximum?: number | null;
  /** Ends even a move that a stop would let finish. */
  giveUp?: AbortSignal;
}

/** How far off a drive with a scale may stop, steps: more than rounding, less than what matters. */
const toleranceSteps = 2;

export class FocusDrive {
  /** Steps of an absolute drive; of a relative one, counted from 0 where it stood at the start. */
  readonly start: number;
  readonly minimum: number;
  readonly maximum: number;
  /** Where the optics are: the motor less the play that was taken up. null when a move failed under way. */
  position: number | null;
  private readonly focuser: Focuser;
  private readonly options: DriveOptions;
  private readonly backlashSteps: number;
  /** Motor less optics: what compensated turns have added up to. */
  private offset = 0;
  private direction: -1 | 0 | 1 = 0;
  /** What a relative drive was told so far. */
  private motorSteps = 0;

  private constructor(focuser: Focuser, start: number, options: DriveOptions) {
    this.focuser = focuser;
    this.options = options;
    this.start = start;
    this.position = start;
    this.backlashSteps = options.backlash && options.backlash !== 'none' ? (options.backlashSteps ?? 0) : 0;
    const { minimum, maximum } = focuser.info;
    this.minimum = Math.max(minimum ?? Number.NEGATIVE_INFINITY, options.minimum ?? Number.NEGATIVE_INFINITY);
    this.maximum = Math.min(maximum ?? Number.POSITIVE_INFINITY, options.maximum ?? Number.POSITIVE_INFINITY);
  }

  /** @throws bad-input for bounds that leave nothing, lost, timeout */
  static async of(focuser: Focuser, options: DriveOptions = {}): Promise<FocusDrive> {
    const position = focuser.info.drive === 'absolute' ? await focuser.position() : 0;
    if (position === null || !Number.isFinite(position))
      throw new NightflowError('rejected', `${focuser.info.name} does not say where it stands.`, {
        remedy: 'Check that the focuser is connected.',
      });
    const drive = new FocusDrive(focuser, position, options);
    if (drive.minimum >= drive.maximum)
      throw new NightflowError('bad-input', `The focuser may move from ${drive.minimum} to ${drive.maximum} only.`, {
        remedy: 'Widen the bounds of the focus run.',
      });
    return drive;
  }

  /** -1: measurements are arrived at inwards, 1: outwards. */
  get approach(): -1 | 1 {
    return this.options.approach === 'outwards' ? 1 : -1;
  }

  /** The nearest position that the drive can stand at, on its grid of smallest moves and within bounds. */
  reachable(position: number): number {
    const grid = Math.max(1, this.focuser.info.smallestMove ?? 1);
    const within = Math.min(this.maximum, Math.max(this.minimum, position));
    const onGrid = this.start + Math.round((within - this.start) / grid) * grid;
    if (onGrid > this.maximum) return onGrid - grid;
    return onGrid < this.minimum ? onGrid + grid : onGrid;
  }

  /**
   * Goes there and resolves where it stands. A move that failed is never made again: what the motor did of it is unknown.
   * @throws what the focuser throws; rejected when it stops elsewhere or its position was lost
   */
  async goTo(position: number, signal?: AbortSignal): Promise<number> {
    const goal = this.reachable(position);
    const from = this.known();
    const against = Math.sign(goal - from) === -this.approach;
    if (this.options.backlash === 'overshoot' && this.backlashSteps > 0 && against)
      await this.travel(this.reachable(goal - this.approach * this.backlashSteps), signal);
    await this.travel(goal, signal);
    return goal;
  }

  /** The drive's own word where it has a scale, for a way back after a failed move. */
  async relocate(): Promise<void> {
    if (this.focuser.info.drive !== 'absolute') return;
    const motor = await this.focuser.position();
    if (motor !== null) this.position = motor - this.offset;
  }

  private known(): number {
    if (this.position !== null) return this.position;
    throw new NightflowError('rejected', 'Where the focuser stands is not known since a move failed.', {
      remedy: 'Focus by hand, then start anew.',
    });
  }

  private async travel(goal: number, signal: AbortSignal | undefined): Promise<void> {
    throwIfAborted(signal, 'The focus run was stopped.');
    const from = this.known();
    const direction = Math.sign(goal - from) as -1 | 0 | 1;
    if (direction === 0) return;
    if (this.options.backlash === 'absolute') {
      if (this.direction !== 0 && direction !== this.direction) this.offset += direction * this.backlashSteps;
      this.direction = direction;
    }
    try {
      if (this.focuser.info.drive === 'absolute') await this.moveTo(goal + this.offset, signal);
      else await this.moveBy(goal, signal);
      this.position = goal;
    } catch (thrown) {
      throw asNightflowError(thrown, 'The focuser did not move');
    }
  }

  private async moveTo(motor: number, signal: AbortSignal | undefined): Promise<void> {
    const { minimum, maximum, name } = this.focuser.info;
    const goal = Math.min(maximum ?? motor, Math.max(minimum ?? motor, motor));
    this.position = null;
    await this.focuser.moveTo(goal, signal);
    const stands = await this.focuser.position();
    if (stands === null || Math.abs(stands - goal) > toleranceSteps)
      throw new NightflowError('rejected', `${name} was sent to ${goal} and stands at ${stands}.`, {
        remedy: 'Check the range of the focuser, and whether something else moves it.',
      });
  }

  /**
   * In pieces that the drive can do. It has no scale: what it was told is what it did, and a stop comes between two pieces, because nobody
   * would know how much of one was done.
   */
  private async moveBy(goal: number, signal: AbortSignal | undefined): Promise<void> {
    const { largestMove, smallestMove } = this.focuser.info;
    const grid = Math.max(1, smallestMove ?? 1);
    const largest =
      largestMove === null ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor(largestMove / grid)) * grid;
    const target = goal + this.offset;
    const sign = this.options.inverted ? -1 : 1;
    for (let left = target - this.motorSteps; left !== 0; left = target - this.motorSteps) {
      const piece = Math.sign(left) * Math.min(Math.abs(left), largest);
      this.position = null;
      await this.focuser.moveBy(sign * piece, this.options.giveUp);
      this.motorSteps += piece;
      this.position = this.motorSteps - this.offset;
      throwIfAborted(signal, 'The focus run was stopped.');
    }
  }
}
