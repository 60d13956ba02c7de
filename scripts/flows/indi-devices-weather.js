// The weather of the flow "INDI devices": a gate before the mount, what the station says, and buttons that make it rain in the simulator.

/** What moves into the sky passes a gate that is shut when it is not safe; and when that changes for the worse, the telescope is parked. */
export function weather(flow, indi) {
  const station = { indi, device: 'Weather Simulator', timeoutSeconds: '', timeoutSecondsType: 'num', connect: true };
  flow.comment(
    '4  Weather: a gate before the mount',
    [560, 40],
    'Shut when the weather station says so, is silent for too long, or is gone. Slew, centre, flip, unpark and track pass it; abort and park do not have to. When it shuts, the conductor parks the telescope. Without a station of your own delete the gate and wire "Into the sky?" to the mount.',
  );
  const skyward = { t: 'regex', v: '^(slew|centre|flip|unpark|track)$', vt: 'str', case: false };
  flow.node(
    'switch',
    'Into the sky?',
    [590, 100],
    { ...oneRule('command', skyward), rules: [skyward, { t: 'else' }], checkall: 'false', outputs: 2 },
    [['Is it safe?'], ['Mount']],
  );
  flow.node(
    'astro-safe',
    'Is it safe?',
    [740, 60],
    {
      indi,
      mode: 'both',
      rules: [{ device: station.device, property: 'WEATHER_STATUS', element: '', test: 'ok', low: '', high: '' }],
      goodMinutes: '0',
      staleSeconds: '',
      busyIsSafe: true,
      connect: true,
    },
    [['Mount', 'Verdict for the page'], ['Verdict for the page']],
  );
  flow.change('Verdict for the page', [610, 180], [text('topic', 'weather')], [['Weather to the conductor']]);
  flow.node(
    'astro-indi-property',
    'Weather',
    [560, 240],
    {
      ...station,
      ...{ command: 'watch', commandType: 'choice', property: 'WEATHER_PARAMETERS', element: '' },
      ...{ value: 'payload', valueType: 'msg', staleSeconds: '0', everyUpdate: true },
    },
    [['Air for the page'], []],
  );
  flow.change('Air for the page', [710, 240], [text('topic', 'air')], [['Weather to the conductor']]);
  flow.link('out', 'Weather to the conductor', [805, 210], ['From the devices']);
  const button = (name, y, payload) =>
    flow.node(
      'inject',
      name,
      [510, y],
      {
        props: [{ p: 'payload' }],
        repeat: '',
        crontab: '',
        once: false,
        onceDelay: 0.1,
        topic: '',
        payload,
        payloadType: 'num',
      },
      [['Rain of the simulator']],
    );
  button('Let it rain', 320, '5');
  button('Let it be dry', 360, '0');
  const set = { command: 'set', commandType: 'choice', staleSeconds: '0', everyUpdate: false };
  flow.node(
    'astro-indi-property',
    'Rain of the simulator',
    [700, 320],
    { ...station, ...set, property: 'WEATHER_CONTROL', element: 'Precip', value: 'payload', valueType: 'msg' },
    [['Look at the sky'], []],
  );
  flow.node(
    'astro-indi-property',
    'Look at the sky',
    [700, 380],
    { ...station, ...set, property: 'WEATHER_REFRESH', element: '', value: 'REFRESH', valueType: 'str' },
    [[], []],
  );
}

/** A rule of a Change node that sets a property to a text. */
export const text = (property, value) => ({ t: 'set', p: property, pt: 'msg', to: value, tot: 'str' });

/** A Switch node with one way out. */
export const oneRule = (property, rule) => ({
  property,
  propertyType: 'msg',
  rules: [rule],
  checkall: 'true',
  repair: false,
  outputs: 1,
});
