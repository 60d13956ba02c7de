/** The simulated weather station: a light for each quantity, looked at once a period only, so that what it says may be old. */
import type { PropertyState } from '../protocol/message.ts';
import { type DeviceContext, SimulatedDevice } from './device.ts';
import type { Observatory } from './observatory.ts';
import { lights, number, numbers, switches } from './vector.ts';
import type { Values } from './wish.ts';

/** Name, element of WEATHER_CONTROL, first value, least and most that is safe; warned of within the outer 15 %. */
const quantities = [
  ['WEATHER_FORECAST', 'Weather', 0, 0, 0],
  ['WEATHER_TEMPERATURE', 'Temperature', 15, -10, 30],
  ['WEATHER_WIND_SPEED', 'Wind', 0, 0, 20],
  ['WEATHER_WIND_GUST', 'Gust', 0, 0, 20],
  ['WEATHER_RAIN_HOUR', 'Precip', 0, 0, 0],
] as const;
/** Those that decide; the gusts only tell. */
const critical = ['WEATHER_FORECAST', 'WEATHER_TEMPERATURE', 'WEATHER_WIND_SPEED', 'WEATHER_RAIN_HOUR'] as const;

export class SimulatedWeather extends SimulatedDevice {
  constructor(name: string, context: DeviceContext, { site }: Observatory) {
    super(name, { executable: 'indi_simulator_weather', interface: 128 }, context);
    this.add(
      numbers(
        'WEATHER_CONTROL',
        quantities.map(([, control, value]) => number(control, value, -100, 200)),
      ),
      (wanted) => this.control(wanted),
    );
    this.add(lights('WEATHER_STATUS', Object.fromEntries(critical.map((each) => [each, 'Idle']))));
    this.add(
      numbers(
        'WEATHER_PARAMETERS',
        quantities.map(([quantity, , value]) => number(quantity, value, 0, 0)),
        { permission: 'ro', group: 'Parameters' },
      ),
    );
    for (const [quantity, , , least, most] of quantities)
      this.add(
        numbers(quantity, [number('MIN_OK', least), number('MAX_OK', most), number('PERC_WARN', 15, 0, 100)], {
          group: 'Parameters',
        }),
      );
    this.add(numbers('WEATHER_UPDATE', [number('PERIOD', 60, 0, 3600, 60, '%.f')]), (wanted) => {
      this.update('WEATHER_UPDATE', 'Ok', wanted);
      this.watch();
    });
    this.add(switches('WEATHER_REFRESH', ['REFRESH'], [], { rule: 'AtMostOne' }), () => {
      this.update('WEATHER_REFRESH', 'Ok', { REFRESH: false });
      this.refresh();
    });
    this.add(switches('WEATHER_OVERRIDE', ['OVERRIDE'], [], { rule: 'AnyOfMany' }));
    this.add(
      numbers('GEOGRAPHIC_COORD', [
        number('LAT', site.latitude, -90, 90, 0, '%012.8m'),
        number('LONG', (site.longitude + 360) % 360, 0, 360, 0, '%012.8m'),
        number('ELEV', site.elevation, -200, 10_000),
      ]),
    );
  }

  protected override onConnected(): undefined {
    this.refresh();
    this.watch();
  }

  private control(wanted: Values): undefined {
    const wrong = Object.entries(wanted).find(([, value]) => Number(value) < -100 || Number(value) > 200);
    if (wrong) {
      // As the real simulator: the Alert is gone at once.
      this.update('WEATHER_CONTROL', 'Alert', {}, `[ERROR] ${wrong[0]} is out of range.`);
      return this.update('WEATHER_CONTROL', 'Ok');
    }
    this.update('WEATHER_CONTROL', 'Ok', wanted);
  }

  /** A period of 0 never looks again. */
  private watch(): undefined {
    this.begin('watch', async (signal) => {
      for (;;) {
        const seconds = this.number('WEATHER_UPDATE', 'PERIOD');
        if (seconds <= 0) return;
        await this.clock.sleep(seconds * 1000, signal);
        this.refresh();
      }
    });
  }

  private refresh(): undefined {
    const values = Object.fromEntries(
      quantities.map(([quantity, control]) => [quantity, this.number('WEATHER_CONTROL', control)]),
    );
    const before = this.vector('WEATHER_STATUS')
      .elements.map(({ value }) => value)
      .join();
    const states = Object.fromEntries(critical.map((each) => [each, this.stateOf(each, values[each]!)]));
    this.update('WEATHER_PARAMETERS', 'Ok', values);
    const worst = (['Alert', 'Busy'] as const).find((state) => Object.values(states).includes(state)) ?? 'Ok';
    const vector = this.vector('WEATHER_STATUS');
    // The lights are told when they change only.
    if (Object.values(states).join() !== before || vector.state !== worst) this.update('WEATHER_STATUS', worst, states);
  }

  private stateOf(quantity: string, value: number): PropertyState {
    const [least, most, percent] = ['MIN_OK', 'MAX_OK', 'PERC_WARN'].map((each) => this.number(quantity, each));
    if (value < least! || value > most!) return 'Alert';
    const margin = ((most! - least!) * percent!) / 100;
    const warned = (value < least! + margin && least !== 0) || value > most! - margin;
    return margin > 0 && warned ? 'Busy' : 'Ok';
  }
}
