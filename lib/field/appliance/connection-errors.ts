/** Why an appliance does not answer as it should, in words for the person at the other machine. */
import type { IncomingHttpHeaders } from 'node:http';
import { type ErrorCode, NightflowError } from '../../process/errors.ts';
import { apiVersion, apiVersionHeader, packageVersionHeader } from './api-version.ts';

/** Nobody heard us, or what answers is no HTTP(S) as it was expected. */
export function unreachable(thrown: unknown, url: string): NightflowError {
  const error = thrown as NodeJS.ErrnoException;
  const { code = '', message } = error.code ? error : ((error.cause as NodeJS.ErrnoException | undefined) ?? error);
  const { host, hostname } = new URL(url);
  const say = (kind: ErrorCode, sentence: string, remedy: string) =>
    new NightflowError(kind, sentence, { remedy, cause: thrown });
  if (/^ENOTFOUND|^EAI_/.test(code))
    return say('lost', `There is no host "${hostname}".`, 'Check the name, or take its address: 192.168.1.20.');
  if (code === 'ECONNREFUSED') return say('lost', `Nothing answers at ${host}: connection refused.`, listens);
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return say(
      'bad-input',
      `The certificate of ${host} is for another name.`,
      `It is for ${namesIn(error)}: take that, or have one made for this.`,
    );
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return say(
      'bad-input',
      `The certificate of ${host} is not valid today: ${message}.`,
      'Check both clocks, or renew it.',
    );
  if (/CERT|SIGNATURE|ISSUER|SELF_SIGNED/.test(code))
    return say('bad-input', `The certificate of ${host} is not trusted: ${message}.`, trust);
  if (/^EPROTO|^ERR_SSL|^ERR_TLS/.test(code))
    return say('bad-input', `${host} does not speak HTTPS.`, `Take http://${host}.`);
  if (/^HPE_/.test(code)) return say('bad-input', `${host} does not speak HTTP.`, 'Check the port.');
  const secure = url.startsWith('https:') ? '' : ` If it has HTTPS, take https://${host}.`;
  return say('lost', `${host} does not answer: ${plain(message)}.`, `${listens}${secure}`);
}

/** The line broke in mid-answer. */
export const lost = (url: string, thrown: unknown): NightflowError =>
  new NightflowError('lost', `The line to ${new URL(url).host} broke: ${plain((thrown as Error).message)}.`, {
    cause: thrown,
  });

/** Bytes that are not those which were sent. */
export const damaged = (what: string): NightflowError =>
  new NightflowError('rejected', `${what} came with another SHA-256 than it has there.`);

/** Null when it is an appliance that we understand. */
export function mismatch(headers: IncomingHttpHeaders, url: string): NightflowError | null {
  const version = headers[apiVersionHeader.toLowerCase()];
  if (version === String(apiVersion)) return null;
  if (version === undefined) return noAppliance(url, '');
  const theirs = String(headers[packageVersionHeader.toLowerCase()] ?? 'another version');
  return new NightflowError(
    'unsupported',
    `${url} is of Nightflow ${theirs} and speaks version ${version}, this program version ${apiVersion}.`,
    { remedy: 'Install the same version of Nightflow on both machines.' },
  );
}

/** An answer that is no success. @param given What we had sent to be let in. */
export function refusalOf(
  status: number,
  headers: IncomingHttpHeaders,
  text: string,
  url: string,
  given: { user?: string; token?: string },
): NightflowError {
  const say = (kind: ErrorCode, sentence: string, remedy: string) => new NightflowError(kind, sentence, { remedy });
  const { host } = new URL(url);
  const error = errorIn(text);
  if (status === 401) {
    const basic = /basic/i.test(String(headers['www-authenticate'] ?? ''));
    if (given.user)
      return say('bad-input', `${host} does not know the user "${given.user}" with this password.`, password);
    if (basic) {
      const besides = given.token ? ' and not for a token' : '';
      return say('bad-input', `${host} asks for user and password${besides}.`, password);
    }
    return say('bad-input', `${host} answers: ${error?.message ?? 'Unauthorized.'}`, token);
  }
  if (error) {
    // What is refused is refused the next time, too.
    const kind = status < 500 ? (error.code === 'busy' ? 'busy' : 'bad-input') : (error.code ?? 'failed');
    return failureOf(error.message, { ...error, code: kind });
  }
  if (status === 429) return say('bad-input', `${host} answers: too many wrong passwords.`, 'Wait 5 minutes.');
  if (status === 403) return say('bad-input', `${host} answers: ${line(text) || 'Forbidden.'}`, 'Check host and user.');
  if (status >= 300 && status < 400)
    return say('bad-input', `${url} is elsewhere now.`, `Take ${line(String(headers.location ?? 'its new address'))}.`);
  return noAppliance(url, ` (it answers ${status})`);
}

export interface FailureData {
  code?: ErrorCode;
  remedy?: string;
}

/** What a call, or an answer's body, says went wrong. */
export const failureOf = (message: string, data?: FailureData): NightflowError =>
  new NightflowError(data?.code ?? 'bad-input', message, data?.remedy === undefined ? {} : { remedy: data.remedy });

// lost, not bad-input: Node-RED answers like this, too, while it starts.
const noAppliance = (url: string, why: string): NightflowError =>
  new NightflowError('lost', `No RAW appliance is at ${url}${why}.`, {
    remedy: 'Check host, port and path, and that the flow with the node RAW appliance is deployed.',
  });

function errorIn(text: string): (FailureData & { message: string }) | null {
  try {
    const { error } = JSON.parse(text);
    return typeof error?.message === 'string' ? error : null;
  } catch {
    return null;
  }
}

const listens = 'Check the address, and that Nightflow runs there and listens to other machines.';
const trust = "Copy the appliance's cert.pem, and name it: --cacert cert.pem (`ca` in a program).";
const password = 'Give --user NAME, and its password in NIGHTFLOW_PASSWORD.';
const token = 'Give the token in NIGHTFLOW_TOKEN, or --user NAME with the password in NIGHTFLOW_PASSWORD.';

/** Node's `read ECONNRESET` and the like, as a person would say it. */
const plain = (message: string): string => {
  if (/ECONNREFUSED/.test(message)) return 'connection refused';
  if (/ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN/.test(message)) return 'there is no way to it';
  if (/ECONNRESET|EPIPE|socket hang up|^aborted$/.test(message)) return 'the connection was cut';
  return line(message);
};

const namesIn = (error: NodeJS.ErrnoException & { cert?: { subjectaltname?: string } }): string =>
  error.cert?.subjectaltname ?? 'without a name';
const line = (text: string): string => text.split('\n')[0]!.trim().slice(0, 200);
