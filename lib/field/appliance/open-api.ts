/** The OpenAPI 3.1 document of the addresses that carry bytes; control is JSON-RPC, described by openrpc.json. */

import { formats } from './format.ts';
import { exposureSchemas } from './methods.ts';
import { jsonSchema } from './rpc.ts';

export function openApi(version: string): object {
  return {
    openapi: '3.1.0',
    info: { title: 'Nightflow RAW appliance', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: '.' }],
    security: [{}, { bearer: [] }, { basic: [] }],
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' }, basic: { type: 'http', scheme: 'basic' } },
      schemas: {
        Exposure: {
          type: 'object',
          additionalProperties: false,
          required: Object.keys(exposureSchemas).filter((name) => exposureSchemas[name]!.required),
          properties: Object.fromEntries(
            Object.entries(exposureSchemas).map(([name, schema]) => [name, jsonSchema(schema)]),
          ),
        },
        Error: {
          type: 'object',
          properties: {
            error: {
              type: 'object',
              properties: { code: { type: 'string' }, message: { type: 'string' }, remedy: { type: 'string' } },
            },
          },
        },
      },
    },
    paths: {
      '/rpc': {
        post: {
          summary: 'JSON-RPC 2.0: see openrpc.json.',
          requestBody: { required: true, content: { 'application/json': {} } },
          responses: {
            200: { description: 'The answer.' },
            204: { description: 'Notifications have none.' },
            ...errors,
          },
        },
      },
      '/shot': {
        post: {
          summary: 'Takes an exposure and answers with its RAW file, straight from memory.',
          requestBody: {
            required: true,
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Exposure' } } },
          },
          parameters: [inQuery('format', formatSchema, 'As in the body: for who would rather have it in the address.')],
          responses: { 200: picture('The file.'), ...errors },
        },
        get: { summary: 'The last shot once more.', parameters: conditions, responses: { ...fileAnswers, ...errors } },
      },
      '/': status,
      '/status': status,
      '/batches': status,
      '/batches/{batch}': {
        parameters: [inPath('batch', { type: 'string' })],
        get: {
          summary: 'A batch with the frames that wait.',
          parameters: [
            inQuery('kept', { type: 'integer' }, 'Answer when more than so many frames were kept,'),
            inQuery('wait', { type: 'number', maximum: 25 }, 'or after so many seconds.'),
          ],
          responses: { 200: json, ...errors },
        },
        delete: {
          summary: 'Stops it, and throws away what was not fetched.',
          responses: { 204: { description: 'Gone.' }, ...errors },
        },
      },
      '/batches/{batch}/frames/{number}': {
        parameters: frameParameters,
        get: {
          summary: 'The file of a frame; its ETag is its SHA-256.',
          parameters: conditions,
          responses: { ...fileAnswers, ...errors },
        },
        delete: {
          summary: 'Acknowledges it: the client has it for good. With If-Match only if it is that one.',
          parameters: [ifMatch],
          responses: { 204: { description: 'Gone.' }, 412: { description: 'It is another.' }, ...errors },
        },
      },
      '/batches/{batch}/frames/{number}/preview.jpg': {
        parameters: [...frameParameters, width],
        get: { summary: 'A stretched JPEG of a frame.', responses: { 200: jpeg, ...errors } },
      },
      '/preview.jpg': {
        get: {
          summary: 'A stretched JPEG of the latest frame.',
          parameters: [inQuery('camera', { type: 'string' }, 'The first when absent.'), width],
          responses: { 200: jpeg, ...errors },
        },
      },
      '/openapi.json': { get: { summary: 'This document.', responses: { 200: json, ...errors } } },
      '/openrpc.json': { get: { summary: 'The methods of rpc, as OpenRPC.', responses: { 200: json, ...errors } } },
    },
  };
}

/** What a frame's file may be. */
const mediaTypes = ['application/fits', 'image/*', 'application/octet-stream'];
const picture = (description: string) => ({
  description,
  headers: { ETag: { schema: { type: 'string' }, description: 'Its SHA-256 in quotation marks.' } },
  content: Object.fromEntries(mediaTypes.map((type) => [type, { schema: { type: 'string', contentMediaType: type } }])),
});
const fileAnswers = {
  200: picture('The file.'),
  206: picture('The range that was asked for.'),
  304: { description: 'If-None-Match has it.' },
  412: { description: 'If-Match has it not.' },
  416: { description: 'The file ends before.' },
};
const json = { description: 'JSON.', content: { 'application/json': {} } };
const jpeg = { description: 'The picture.', content: { 'image/jpeg': {} } };
/** 401 without the right token, 429 after many wrong ones, 503 with Retry-After for too many downloads at once. */
const errors = {
  default: {
    description: 'What went wrong, with the remedy.',
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
  },
};
const status = { get: { summary: 'Cameras, spool and batches.', responses: { 200: json, ...errors } } };
const formatSchema = { type: 'string', enum: formats };
const inPath = (name: string, schema: object) => ({ name, in: 'path', required: true, schema });
const inQuery = (name: string, schema: object, description: string) => ({ name, in: 'query', schema, description });
const inHeader = (name: string, description: string) => ({
  name,
  in: 'header',
  schema: { type: 'string' },
  description,
});
const ifMatch = inHeader('If-Match', 'ETags, or *.');
const conditions = [
  inHeader('Range', 'One range of bytes; of several the whole is sent.'),
  inHeader('If-Range', 'The ETag of which that is a range: of another file the whole is sent.'),
  inHeader('If-None-Match', 'ETags that are there already.'),
  ifMatch,
];
const frameParameters = [
  inPath('batch', { type: 'string' }),
  inPath('number', { type: 'integer', minimum: 1, maximum: 999_999 }),
];
const width = inQuery('width', { type: 'integer', minimum: 16, maximum: 16_384 }, 'Pixels across; 1280.');
