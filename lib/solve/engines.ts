/** The solving engines by name. */
import { astapSolver } from './astap.ts';
import { builtInSolver } from './built-in.ts';
import { firstOf } from './first-of.ts';
import { solveFieldSolver } from './solve-field.ts';
import type { Solver } from './solver.ts';

export const engineNames = ['auto', 'built-in', 'solve-field', 'astap'] as const;
export type EngineName = (typeof engineNames)[number];

export interface EngineOptions {
  /** Of solve-field; as its own configuration says when not given. */
  indexFolder?: string | null;
  /** Of ASTAP; where it looks by itself when not given. */
  databaseFolder?: string | null;
}

/** `auto`: the built-in one, then solve-field. */
export function engineNamed(name: EngineName, { indexFolder, databaseFolder }: EngineOptions = {}): Solver {
  switch (name) {
    case 'built-in':
      return builtInSolver();
    case 'solve-field':
      return solveFieldSolver({ indexFolder });
    case 'astap':
      return astapSolver({ databaseFolder });
    case 'auto':
      return firstOf([builtInSolver(), solveFieldSolver({ indexFolder })], 'auto');
  }
}
