/** The focus drive of the simulated camera: it takes its time, has play in its gears, and its best focus moves with the temperature. */
import { abortError, type Clock } from '../clock/clock.ts';
import { asNightflowError, NightflowError } from '../process/errors.ts';
import type { Focuser, FocuserInfo } from './focuser.ts';
import { largestDefocusPixels, type SimulatorSettings } from './simulator-settings.ts';

/** A drive of this range, which begins in its middle. */
const maximumPosition = 50_000;
/** What a relative drive does with one command. */
const largestRelativeMove = 2_000;

export class SimulatedFocuser implements Focuser {
  private readonly clock: Clock;
  private readonly settings: () => Readonly<SimulatorSettings>;
  private readonly closing: AbortSignal;
  /** Where the motor stands when it does not move. */
  private motor = maximumPosition / 2;
  /** Where the lens is: the gears' play behind the motor at most. */
  private lens = maximumPosition / 2;
  private moving: { from: number; to: number; sinceMilliseconds: number; stepsPerSecond: number } | null = null;
  /** Best focus at the temperature at which it was last set. */
  private best = 0;
  private bestCelsius = 0;

  /** @param closing Aborts when the camera is closed. */
  constructor(clock: Clock, settings: () => Readonly<SimulatorSettings>, closing: AbortSignal) {
    this.clock = clock;
    this.settings = settings;
    this.closing = closing;
    this.unfocus(settings().defocusPixels);
  }

  get info(): FocuserInfo {
    const absolute = this.settings().focuserDrive === 'absolute';
    return {
      name: 'Simulated focuser',
      drive: absolute ? 'absolute' : 'relative',
      minimum: absolute ? 0 : null,
      maximum: absolute ? maximumPosition : null,
      smallestMove: null,
      largestMove: absolute ? null : largestRelativeMove,
    };
  }

  /** Where the lens is best at this temperature, steps: the truth that an autofocus is to find. */
  get bestPosition(): number {
    const { focusDriftStepsPerCelsius, temperatureCelsius } = this.settings();
    return this.best + focusDriftStepsPerCelsius * (temperatureCelsius - this.bestCelsius);
  }

  /** Diameter of an unfocused star as the lens is now, pixels. */
  get defocusPixels(): number {
    this.follow();
    return Math.min(largestDefocusPixels, Math.abs(this.lens - this.bestPosition) / this.settings().focusStepsPerPixel);
  }

  /** From now on, and until the drive moves, a star is as wide as this, pixels: the best focus is inside of here. */
  unfocus(pixels: number): void {
    this.follow();
    const { focusStepsPerPixel, temperatureCelsius } = this.settings();
    this.best = this.lens - pixels * focusStepsPerPixel;
    this.bestCelsius = temperatureCelsius;
  }

  async position(): Promise<number | null> {
    this.present();
    this.follow();
    return this.info.drive === 'absolute' ? Math.round(this.motor) : null;
  }

  async temperatureCelsius(): Promise<number | null> {
    this.present();
    return this.settings().temperatureCelsius;
  }

  async moveBy(steps: number, signal?: AbortSignal): Promise<void> {
    const { largestMove } = this.info;
    if (!Number.isFinite(steps)) throw new NightflowError('bad-input', `The focuser can't move by ${steps} steps.`);
    if (largestMove !== null && Math.abs(steps) > largestMove)
      throw new NightflowError('bad-input', `The focuser can't move by ${steps} steps at once.`, {
        remedy: `It moves by ${largestMove} at most.`,
      });
    this.follow();
    await this.drive(this.motor + Math.round(steps), signal);
  }

  async moveTo(position: number, signal?: AbortSignal): Promise<void> {
    if (this.info.drive === 'relative')
      throw new NightflowError('unsupported', 'This focuser can only be moved by steps, not to a position.');
    await this.drive(Math.round(position), signal);
  }

  private async drive(to: number, signal: AbortSignal | undefined): Promise<void> {
    this.present();
    if (this.moving) throw new NightflowError('busy', 'The focuser is moving already.');
    if (this.info.drive === 'absolute' && !(to >= 0 && to <= maximumPosition))
      throw new NightflowError('bad-input', `The focuser can't go to ${to}.`, {
        remedy: `Its range is 0 to ${maximumPosition}.`,
      });
    // A lens without a scale just stops at its end, and nobody is told.
    const reachable = Math.min(maximumPosition, Math.max(0, to));
    const { focuserStepsPerSecond: stepsPerSecond } = this.settings();
    const stop = signal ? AbortSignal.any([signal, this.closing]) : this.closing;
    const milliseconds = (Math.abs(reachable - this.motor) / stepsPerSecond) * 1000;
    this.moving = { from: this.motor, to: reachable, sinceMilliseconds: this.clock.now(), stepsPerSecond };
    try {
      await this.clock.sleep(milliseconds, stop);
      if (stop.aborted) throw abortError(stop);
      this.follow(reachable);
    } catch (thrown) {
      // The motor is stopped where it is.
      this.follow();
      throw asNightflowError(thrown);
    } finally {
      this.moving = null;
    }
  }

  /** The motor is where the time has brought it (or at `arrived`), and the lens where the motor has pulled it. */
  private follow(arrived?: number): void {
    if (this.moving) {
      const { from, to, sinceMilliseconds, stepsPerSecond } = this.moving;
      const gone = Math.min(
        Math.abs(to - from),
        Math.max(0, (this.clock.now() - sinceMilliseconds) / 1000) * stepsPerSecond,
      );
      this.motor = arrived ?? from + Math.sign(to - from) * gone;
    }
    const play = this.settings().focusBacklashSteps;
    this.lens = Math.min(this.motor, Math.max(this.motor - play, this.lens));
  }

  private present(): void {
    if (this.closing.aborted) throw new NightflowError('lost', 'The simulated camera is closed.');
  }
}
