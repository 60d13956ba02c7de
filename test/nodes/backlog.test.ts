import { expect, it } from 'vitest';
import { backlogBytes, backlogFull, backlogLimitBytes, backlogRoom, enterBacklog } from '../../nodes/backlog.ts';

it('counts a picture once, however many queues it waits in, until it left all of them', () => {
  const picture = new SharedArrayBuffer(1000);
  const leave = [enterBacklog(picture), enterBacklog(picture)];
  expect(backlogBytes()).toBe(1000);
  leave[0]!();
  leave[0]!();
  expect(backlogBytes()).toBe(1000);
  leave[1]!();
  expect(backlogBytes()).toBe(0);
  enterBacklog(undefined)();
  expect(backlogBytes()).toBe(0);
});

it('is full beyond a quarter of the memory, and tells when there is room', async () => {
  expect(backlogFull()).toBe(false);
  await backlogRoom();
  const big = enterBacklog(new SharedArrayBuffer(backlogLimitBytes + 1));
  expect(backlogFull()).toBe(true);
  const small = enterBacklog(new SharedArrayBuffer(10));
  let room = false;
  const waiting = backlogRoom().then(() => {
    room = true;
  });
  small();
  await new Promise((resolve) => setImmediate(resolve));
  expect(room).toBe(false);
  big();
  await waiting;
  expect(backlogFull()).toBe(false);
});

it('does not keep one waiting who was told to stop', async () => {
  const leave = enterBacklog(new SharedArrayBuffer(backlogLimitBytes + 1));
  const stop = new AbortController();
  const waiting = backlogRoom(stop.signal);
  stop.abort();
  await waiting;
  expect(backlogFull()).toBe(true);
  leave();
});
