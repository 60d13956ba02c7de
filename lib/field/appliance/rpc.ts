/** JSON-RPC 2.0 (jsonrpc.org/specification): a table of methods answers requests, and describes itself as OpenRPC 1.3. */
import { asNightflowError, type ErrorCode, NightflowError } from '../../process/errors.ts';

/** What a parameter may be: the part of JSON Schema that is checked. */
export interface Schema {
  type: 'string' | 'number' | 'integer' | 'boolean' | 'value';
  description: string;
  minimum?: number;
  maximum?: number;
  enum?: readonly string[];
  required?: boolean;
}

export type Parameters = Record<string, unknown>;

export interface Method {
  summary: string;
  /** In their order, for those who send an array. */
  parameters: Record<string, Schema>;
  result: string;
  run(parameters: Parameters): Promise<unknown> | unknown;
}
export type MethodTable = Record<string, Method>;

export const rpcErrors = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
} as const;

/** Server errors (-32000 to -32099), one for each of our codes; data.code has its word. */
const serverErrors: Record<ErrorCode, number> = {
  'bad-input': rpcErrors.invalidParams,
  unsupported: -32001,
  rejected: -32002,
  timeout: -32003,
  aborted: -32004,
  lost: -32005,
  busy: -32006,
  missing: -32007,
  'disk-full': -32008,
  failed: rpcErrors.internal,
};

type Id = string | number | null;
type Response = { jsonrpc: '2.0'; id: Id } & ({ result: unknown } | { error: RpcError });
interface RpcError {
  code: number;
  message: string;
  data?: { code: ErrorCode; remedy?: string };
}

/** Calls in one array. */
const maximumCalls = 32;
const longestText = 1024;

/** Answers a request, or an array of them; null when there is nothing to answer (notifications). Never throws. */
export async function answerRpc(text: string, methods: MethodTable): Promise<Response | Response[] | null> {
  let request: unknown;
  try {
    request = JSON.parse(text);
  } catch {
    return failure(null, rpcErrors.parse, 'The request is no JSON.');
  }
  if (!Array.isArray(request)) return answerOne(request, methods);
  if (request.length === 0) return failure(null, rpcErrors.invalidRequest, 'The array of requests is empty.');
  if (request.length > maximumCalls)
    return failure(null, rpcErrors.invalidRequest, `An array holds at most ${maximumCalls} requests.`);
  const answers: Response[] = [];
  for (const each of request) {
    const answer = await answerOne(each, methods);
    if (answer) answers.push(answer);
  }
  return answers.length > 0 ? answers : null;
}

async function answerOne(request: unknown, methods: MethodTable): Promise<Response | null> {
  const { jsonrpc, id, method, params } = isObject(request) ? request : {};
  const validId = id === undefined || id === null || typeof id === 'string' || typeof id === 'number';
  const known: Id = validId ? ((id as Id | undefined) ?? null) : null;
  if (jsonrpc !== '2.0' || typeof method !== 'string' || !validId)
    return failure(known, rpcErrors.invalidRequest, 'This is no JSON-RPC 2.0 request.');
  const silent = id === undefined;
  const found = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (!found)
    return silent ? null : failure(known, rpcErrors.methodNotFound, `There is no method "${method.slice(0, 60)}".`);
  try {
    const result = await found.run(checkedParameters(params, found.parameters));
    return silent ? null : { jsonrpc: '2.0', id: known, result: result ?? null };
  } catch (thrown) {
    if (silent) return null;
    const { code, message, remedy } = asNightflowError(thrown);
    return failure(known, serverErrors[code], message, { code, ...(remedy === undefined ? {} : { remedy }) });
  }
}

/** The parameters by name, checked; what is unknown is refused. @throws bad-input */
export function checkedParameters(given: unknown, schemas: Record<string, Schema>): Parameters {
  const names = Object.keys(schemas);
  if (Array.isArray(given) && given.length > names.length) throw bad(`There are at most ${names.length} parameters.`);
  if (given !== undefined && given !== null && typeof given !== 'object') throw bad('params is no object or array.');
  const named = Array.isArray(given)
    ? Object.fromEntries(given.map((value, index) => [names[index]!, value]))
    : ((given ?? {}) as Parameters);
  for (const name of Object.keys(named))
    if (!Object.hasOwn(schemas, name)) throw bad(`There is no parameter "${name.slice(0, 60)}".`);
  const checked: Parameters = {};
  for (const [name, schema] of Object.entries(schemas)) {
    const value = named[name];
    if (value === undefined || value === null) {
      if (schema.required) throw bad(`The parameter ${name} is missing.`);
    } else checked[name] = checkedValue(name, value, schema);
  }
  return checked;
}

function checkedValue(name: string, value: unknown, schema: Schema): unknown {
  const { type, minimum = Number.NEGATIVE_INFINITY, maximum = Infinity } = schema;
  const shown = JSON.stringify(value).slice(0, 60);
  if (type === 'value') {
    const infinite = typeof value === 'number' && !Number.isFinite(value);
    if (!['string', 'number', 'boolean'].includes(typeof value) || infinite || String(value).length > longestText)
      throw bad(`The parameter ${name} must be a number, a text or true or false, not ${shown}.`);
  } else if (type === 'number' || type === 'integer') {
    // JSON's 1e999 is read as infinite.
    const whole = type === 'number' ? Number.isFinite(value) : Number.isSafeInteger(value);
    if (typeof value !== 'number' || !whole || !(value >= minimum && value <= maximum))
      throw bad(`The parameter ${name} must be ${wantedNumber(schema)}, not ${shown}.`);
  } else if (typeof value !== type || String(value).length > longestText)
    throw bad(`The parameter ${name} must be a ${type}, not ${shown}.`);
  if (schema.enum && !schema.enum.includes(value as string))
    throw bad(`The parameter ${name} must be one of ${schema.enum.join(', ')}, not ${shown}.`);
  return value;
}

/** The OpenRPC document of a table. */
export function openRpc(methods: MethodTable, version: string): object {
  return {
    openrpc: '1.3.2',
    info: { title: 'Nightflow RAW appliance', version },
    methods: Object.entries(methods).map(([name, { summary, parameters, result }]) => ({
      name,
      summary,
      paramStructure: 'either',
      params: Object.entries(parameters).map(([parameter, schema]) => ({
        name: parameter,
        description: schema.description,
        required: schema.required === true,
        schema: jsonSchema(schema),
      })),
      result: { name: 'result', description: result, schema: {} },
    })),
  };
}

/** A schema as JSON Schema has it. */
export function jsonSchema({ type, description, minimum, maximum, enum: choices }: Schema): object {
  return {
    type: type === 'value' ? ['string', 'number', 'boolean'] : type,
    description,
    ...(minimum === undefined ? {} : { minimum }),
    ...(maximum === undefined ? {} : { maximum }),
    ...(choices === undefined ? {} : { enum: choices }),
  };
}

const wantedNumber = ({ type, minimum, maximum }: Schema): string =>
  `a ${type === 'integer' ? 'whole number' : 'number'}${minimum === undefined ? '' : ` from ${minimum}`}${maximum === undefined ? '' : ` to ${maximum}`}`;

const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

const bad = (message: string): NightflowError => new NightflowError('bad-input', message);

const failure = (id: Id, code: number, message: string, data?: RpcError['data']): Response => ({
  jsonrpc: '2.0',
  id,
  error: { code, message, ...(data ? { data } : {}) },
});
