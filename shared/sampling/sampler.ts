/**
 * [P] Draws the samples of `[random]`, each of which can be made alone: `at(trial, block)` is a pure function of seed, space
 * and its two numbers. A block is a point of the grid that has samples of its own.
 *
 * - "random": an independent number for each (seed, parameter, block, trial). Parameters or trials that are added leave the
 *   others as they are.
 * - "sobol": the parameters are the axes of one Sobol sequence, in their order; every block has it with another shift.
 * - "mt19937": one stream of CPython's generator through all blocks, trials and parameters in this order, as a loop over
 *   `random.Random(seed)` draws them: `choice`, `choices` with weights, `randrange` for ints, `random()` for all else.
 */
import type { ParamValue } from "../spec/types.ts";
import type { Distribution } from "./distribution.ts";
import { MersenneTwister } from "./mt19937.ts";
import { SOBOL_DIMENSIONS_MAX, sobolDirections, sobolWord } from "./sobol.ts";
import { threefry, threefryKey, unitFrom } from "./threefry.ts";

export const SAMPLING_METHODS = ["random", "sobol", "mt19937"] as const;
export type SamplingMethod = (typeof SAMPLING_METHODS)[number];

/** What each sampled parameter is drawn from, in the order of the file. */
export type SampleSpace = ReadonlyMap<string, Distribution>;

export interface SamplerOptions {
  readonly seed: number | bigint;
  readonly method: SamplingMethod;
  /** Trials of a block. */
  readonly samples: number;
}

export interface Sampler {
  /** Names of the parameters, in the order of the values. */
  readonly names: readonly string[];
  /**
   * The values of a trial, both numbers from 0. With "mt19937", going on to the next trial is fast, and going back draws
   * everything again.
   */
  at(trial: number, block?: number): ParamValue[];
}

/** Why a space cannot be drawn from by a method; undefined where it can. */
export function samplerProblem(method: SamplingMethod, parameters: number): string | undefined {
  if (method !== "sobol" || parameters <= SOBOL_DIMENSIONS_MAX) return undefined;
  return `sobol takes at most ${SOBOL_DIMENSIONS_MAX} parameters, not ${parameters}`;
}

/** The method must fit the space: see `samplerProblem`. */
export function createSampler(space: SampleSpace, options: SamplerOptions): Sampler {
  switch (options.method) {
    case "random":
      return independent(space, options);
    case "sobol":
      return sobol(space, options);
    case "mt19937":
      return sequential(space, options);
  }
}

function independent(space: SampleSpace, { seed }: SamplerOptions): Sampler {
  const axes = Array.from(space, ([name, distribution]) => ({ key: threefryKey("sample", seed, name), distribution }));
  return {
    names: [...space.keys()],
    at: (trial, block = 0) =>
      axes.map(({ key, distribution }) => distribution.valueAt(unitFrom(threefry(key, [trial, block])))),
  };
}

function sobol(space: SampleSpace, { seed }: SamplerOptions): Sampler {
  const problem = samplerProblem("sobol", space.size);
  if (problem !== undefined) throw new Error(`assertion failed: ${problem}`);
  const axes = Array.from(space, ([name, distribution], dimension) => ({
    key: threefryKey("sobol", seed, name),
    directions: sobolDirections(dimension),
    distribution,
  }));
  return {
    names: [...space.keys()],
    at: (trial, block = 0) =>
      axes.map(({ key, directions, distribution }) => {
        const word = (sobolWord(directions, trial) ^ threefry(key, [0, block])[0]) >>> 0;
        return distribution.valueAt((word + 0.5) / 2 ** 32);
      }),
  };
}

function sequential(space: SampleSpace, { seed, samples }: SamplerOptions): Sampler {
  let generator = new MersenneTwister(seed);
  let drawn = 0;
  const draw = () => {
    drawn += 1;
    return Array.from(space.values(), (distribution) => drawInPython(generator, distribution));
  };
  return {
    names: [...space.keys()],
    at(trial, block = 0) {
      const wanted = block * samples + trial;
      if (wanted < drawn) {
        generator = new MersenneTwister(seed);
        drawn = 0;
      }
      while (drawn < wanted) draw();
      return draw();
    },
  };
}

function drawInPython(generator: MersenneTwister, distribution: Distribution): ParamValue {
  const { size, isWeighted } = distribution;
  if (size === undefined || isWeighted) return distribution.valueAt(generator.random());
  return distribution.pick(generator.below(size));
}
