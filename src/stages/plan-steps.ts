/**
 * The plan of a staged pipeline: which steps run, in which order, on what, with which models. A pure function of the file and the
 * parameters; the documents are not looked at.
 *
 * A train step for which --model gives a model is not run, nor are the sample and label steps that only it needs; one that has neither
 * labels nor examples takes the model that it names as `otherwise`, and the plan says so. Names and references are checked here, so that
 * a job fails before it begins and not after hours; so is the endpoint, which label and refine steps cannot do without.
 */
import { nearest } from '../core/config.ts';
import { UserError } from '../core/errors.ts';
import type { StagedConfig, StepConfig, StepOf } from './staged-config.ts';
import type { EndpointParameters, StagedParameters } from './staged-parameters.ts';

/** A step that runs. `from` is resolved: `input`, the name of a step, or null for a train step with given examples alone. */
export interface PlannedStep {
  name: string;
  config: StepConfig;
  from: string | null;
}

/** A train step that does not run. */
interface GivenModel {
  step: string;
  model: string;
  /** `flag`: by --model; `otherwise`: the file names it for want of labels and examples. */
  by: 'flag' | 'otherwise';
}

export interface StepPlan {
  name: string;
  steps: PlannedStep[];
  /** Names of the steps that the documents go through, from the input to the result. */
  way: string[];
  given: GivenModel[];
  endpoint: EndpointParameters | null;
  budgetTokens: number | null;
  /** What the plan should say. */
  notes: string[];
}

/** Kinds that hand on documents. */
const handsOn = ['filter', 'score', 'refine'] as const;
type DocumentStep = StepOf<(typeof handsOn)[number]>;

function handsOnDocuments(config: StepConfig): config is DocumentStep {
  return (handsOn as readonly string[]).includes(config.step);
}

/** `file` is named in errors. Throws a `UserError` for a name, reference or parameter that fits nothing. */
export function planSteps(config: StagedConfig, file: string, parameters: StagedParameters): StepPlan {
  checkReferences(config, file);
  checkModelNames(config, file, parameters);
  const notes: string[] = [];
  const given: GivenModel[] = [];
  let steps = config.steps.map((step) => withParameters(step, parameters));
  for (const step of steps) {
    if (step.step !== 'train') continue;
    const model = parameters.models[step.name];
    if (model !== undefined) given.push({ step: step.name, model, by: 'flag' });
    else if (step.from === undefined && step.positive.length + step.negative.length === 0) {
      if (step.otherwise === undefined) throw noExamples(file, step);
      given.push({ step: step.name, model: step.otherwise, by: 'otherwise' });
      notes.push(
        `${step.name}: no examples are given (--positive, --negative), so the model is ${step.otherwise}`,
      );
    }
  }
  const isGiven = new Set(given.map(({ step }) => step));
  steps = steps.filter(({ name }) => !isGiven.has(name)).map((step) => withGiven(step, given));
  const needed = neededSteps(steps, lastDocuments(config.steps, file).name);
  for (const { name, step } of steps)
    if (!needed.has(name)) notes.push(`${name}: the ${step} step is left out, since nothing uses it now`);
  steps = steps.filter(({ name }) => needed.has(name));
  const endpoint = endpointOf(steps, file, parameters);
  return {
    name: config.name,
    steps: steps.map((step) => ({ name: step.name, config: step, from: step.from ?? null })),
    way: wayOf(steps, lastDocuments(config.steps, file).name),
    given,
    endpoint,
    budgetTokens: parameters.budgetTokens ?? null,
    notes,
  };
}

/** The name of the train step that a model setting refers to. */
export function stepOfModel(model: string | null): string | undefined {
  return model?.startsWith('step:') === true ? model.slice('step:'.length) : undefined;
}

/** Models of a step, as they are written. */
function modelsOf(step: StepConfig): { at: string; model: string | null; name: string }[] {
  if (step.step === 'score') return [{ at: 'model', model: step.model, name: step.name }];
  if (step.step !== 'filter') return [];
  return step.classifiers.map(({ name, model }) => ({ at: `classifiers: ${name}: model`, model, name }));
}

function checkReferences(config: StagedConfig, file: string): void {
  const before = new Map<string, StepConfig>();
  for (const [i, step] of config.steps.entries()) {
    const where = `${file}: steps.${i} (${step.name})`;
    if (before.has(step.name)) {
      throw new UserError(`${where}: a step before it has the same name`, { hint: 'give each its own name' });
    }
    const { from } = step;
    if (from !== undefined && from !== 'input') {
      const source = before.get(from);
      if (source === undefined) throw noSuchStep(`${where}: from: ${from}`, from, [...before.keys()]);
      const takes = step.step === 'label' ? ['sample'] : step.step === 'train' ? ['label'] : handsOn;
      if (!(takes as readonly string[]).includes(source.step)) {
        throw new UserError(
          `${where}: from: ${from} is a ${source.step} step, and a ${step.step} step takes ${takes.join(', ')}`,
          { hint: `name a ${takes.join(' or ')} step before this one` },
        );
      }
    }
    if (from === 'input' && (step.step === 'label' || step.step === 'train')) {
      throw new UserError(`${where}: a ${step.step} step does not read the input`, {
        hint: step.step === 'label' ? 'sample documents first and label those' : 'name the label step',
      });
    }
    for (const { at, model } of modelsOf(step)) {
      const trained = stepOfModel(model);
      if (trained !== undefined && before.get(trained)?.step !== 'train') {
        const trains = [...before.values()].filter((s) => s.step === 'train').map(({ name }) => name);
        throw noSuchStep(`${where}: ${at}: ${model}`, trained, trains);
      }
    }
    before.set(step.name, step);
  }
}

function noSuchStep(what: string, name: string, known: readonly string[]): UserError {
  const near = nearest(name, known);
  return new UserError(`${what}: there is no such step before this one`, {
    hint:
      near !== undefined
        ? `did you mean ${near}?`
        : known.length === 0
          ? 'a step only refers to steps above it'
          : `the steps before it are ${known.join(', ')}`,
  });
}

function checkModelNames(config: StagedConfig, file: string, { models }: StagedParameters): void {
  const known = config.steps.flatMap((step) => [
    ...(step.step === 'train' ? [step.name] : []),
    ...modelsOf(step)
      .filter(({ model }) => stepOfModel(model) === undefined)
      .map(({ name }) => name),
  ]);
  for (const name of Object.keys(models)) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    throw new UserError(`--model ${name}: ${file} has no model of that name`, {
      hint:
        near !== undefined
          ? `did you mean ${near}?`
          : known.length === 0
            ? 'this pipeline has no models'
            : `its models are ${[...new Set(known)].join(', ')}`,
    });
  }
}

/** The step with what the flags say put in. */
function withParameters(step: StepConfig, parameters: StagedParameters): StepConfig {
  const { models, benchmarks, positive, negative } = parameters;
  switch (step.step) {
    case 'filter': {
      const classifiers = step.classifiers.map((c) =>
        stepOfModel(c.model) === undefined && models[c.name] !== undefined
          ? { ...c, model: models[c.name]! }
          : c,
      );
      const known = step.decontaminate?.benchmarks ?? [];
      const decontaminate =
        step.decontaminate === undefined
          ? undefined
          : { ...step.decontaminate, benchmarks: mergeBenchmarks(known, benchmarks) };
      return { ...step, classifiers, ...(decontaminate === undefined ? {} : { decontaminate }) };
    }
    case 'score':
      return stepOfModel(step.model) === undefined && models[step.name] !== undefined
        ? { ...step, model: models[step.name]! }
        : step;
    case 'train':
      // Examples belong to the step that learns from examples, not to one that learns from labels.
      return step.from === undefined
        ? { ...step, positive: [...step.positive, ...positive], negative: [...step.negative, ...negative] }
        : step;
    default:
      return step;
  }
}

function mergeBenchmarks<T extends { card: string; path: string }>(
  known: readonly T[],
  more: readonly T[],
): T[] {
  const byCard = new Map([...known, ...more].map((one) => [one.card, one]));
  return [...byCard.values()];
}

/** Models of train steps that do not run stand in their place. */
function withGiven(step: StepConfig, given: readonly GivenModel[]): StepConfig {
  const swap = (model: string): string => {
    const name = stepOfModel(model);
    return given.find((one) => one.step === name)?.model ?? model;
  };
  if (step.step === 'score') return { ...step, model: swap(step.model) };
  if (step.step !== 'filter') return step;
  return {
    ...step,
    classifiers: step.classifiers.map((c) => ({ ...c, model: c.model === null ? null : swap(c.model) })),
  };
}

function lastDocuments(steps: readonly StepConfig[], file: string): DocumentStep {
  const last = steps.findLast(handsOnDocuments);
  if (last !== undefined) return last;
  throw new UserError(`${file}: no step hands on documents`, {
    hint: `end with a ${handsOn.join(', ')} step`,
  });
}

/** Everything that the last documents are made from. */
function neededSteps(steps: readonly StepConfig[], last: string): Set<string> {
  const needed = new Set<string>([last]);
  for (const step of [...steps].reverse()) {
    if (!needed.has(step.name)) continue;
    if (step.from !== undefined) needed.add(step.from);
    for (const { model } of modelsOf(step)) {
      const trained = stepOfModel(model);
      if (trained !== undefined) needed.add(trained);
    }
  }
  return needed;
}

function wayOf(steps: readonly StepConfig[], last: string): string[] {
  const byName = new Map(steps.map((step) => [step.name, step]));
  const way: string[] = [];
  for (let at: string | undefined = last; at !== undefined && at !== 'input'; at = byName.get(at)?.from) {
    way.unshift(at);
  }
  return way;
}

function endpointOf(
  steps: readonly StepConfig[],
  file: string,
  { endpoint }: StagedParameters,
): EndpointParameters | null {
  const paid = steps.filter(({ step }) => step === 'label' || step === 'refine');
  if (paid.length === 0) return null;
  const who = paid.map(({ name, step }) => `${name} (${step})`).join(', ');
  if (endpoint?.url === undefined) {
    throw new UserError(`${file}: a language model is asked in ${who}, and no --endpoint is given`, {
      hint: 'give --endpoint URL --judge-model NAME of an OpenAI-compatible server, for example --endpoint http://localhost:8000/v1',
    });
  }
  const { url, model, ...rest } = endpoint;
  if (model === undefined) {
    throw new UserError(`${file}: a language model is asked in ${who}, and no --judge-model is given`, {
      hint: 'give --judge-model NAME, a model that the endpoint serves',
    });
  }
  return {
    url,
    model,
    ...(Object.fromEntries(Object.entries(rest).filter(([, v]) => v !== undefined)) as object),
  };
}

function noExamples(file: string, { name }: StepConfig): UserError {
  return new UserError(`${file}: ${name} has nothing to learn from`, {
    hint: `give --positive PATH and --negative PATH, or a trained model: --model ${name}=PATH`,
  });
}
