/** The one interface of everything that moves a focus: a motor with a scale, a lens that is only driven nearer or farther, the simulator. */

export interface FocuserInfo {
  name: string;
  /** `absolute`: the position is known and can be gone to. `relative`: only steps nearer or farther, nobody knows where it is. */
  drive: 'absolute' | 'relative';
  /** Steps; null for a relative drive or where unknown. */
  minimum: number | null;
  maximum: number | null;
  /** The smallest and the largest single move, steps (a lens drive of gphoto2 has few sizes); null when unlimited. */
  smallestMove: number | null;
  largestMove: number | null;
}

export interface Focuser {
  readonly info: FocuserInfo;
  /** Steps; null for a relative drive. @throws lost, timeout */
  position(): Promise<number | null>;
  /** °C at the focuser; null when it has no sensor. */
  temperatureCelsius(): Promise<number | null>;
  /**
   * Moves by so many steps (positive: outwards, to larger positions) and resolves when it stands still.
   * @throws bad-input beyond the range, rejected, timeout, lost, aborted (the motor is stopped first)
   */
  moveBy(steps: number, signal?: AbortSignal): Promise<void>;
  /** Goes to a position; for an absolute drive only. @throws as moveBy; unsupported for a relative drive */
  moveTo(position: number, signal?: AbortSignal): Promise<void>;
}
