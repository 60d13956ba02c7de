/**
 * Boxes for device, property and element that fill from a deployed INDI server, as RED.nightflowIndi. Names can always be typed: the
 * server of tonight need not run now. Beside RED.nightflow, which each page makes anew.
 */
(() => {
  const sharedMilliseconds = 2000;
  const asked = {};
  let lists = 0;

  /**
   * @param chosen jQuery boxes: device, property, element (may be absent); `server` tells the id of the chosen server.
   * @param told Called with the device, the property and the element that are chosen, as far as the server knows them, or an error.
   */
  const boxes = (chosen, told) => {
    const { server, device, property, element } = chosen;
    const known = { devices: [], properties: [] };
    const offered = Object.fromEntries(
      Object.entries({ device, property, element })
        .filter(([, box]) => box)
        .map(([name, box]) => [name, listFor(box)]),
    );
    const tell = () => {
      const found = known.properties.find(({ name }) => name === property.val());
      offer(offered.element, found ? found.elements.map((each) => [each.name, elementLine(each)]) : []);
      told({
        device: known.devices.find(({ name }) => name === device.val()),
        property: found,
        element: found?.elements.find(({ name }) => name === element?.val()),
      });
    };
    const take = (properties) => {
      known.properties = properties;
      offer(
        offered.property,
        properties.map((each) => [each.name, propertyLine(each)]),
      );
      tell();
    };
    const askProperties = () => {
      if (!device.val()) return take([]);
      ask(server(), 'properties', { device: device.val() }, take, fail);
    };
    const askDevices = () =>
      ask(
        server(),
        'devices',
        {},
        (devices) => {
          known.devices = devices;
          offer(
            offered.device,
            devices.map(({ name, roles }) => [name, roles.join(', ')]),
          );
          askProperties();
        },
        fail,
      );
    const fail = (error) => told({ error });
    device.on('change', askProperties);
    property.on('change', tell);
    element?.on('change', tell);
    askDevices();
    return {
      askDevices,
      // A device that is not connected has few properties.
      connect() {
        const path = `nightflow/indi/${encodeURIComponent(server())}/connect?${$.param({ device: device.val() })}`;
        $.ajax({ url: path, method: 'POST', dataType: 'json' })
          .done(() => {
            for (const path of Object.keys(asked)) delete asked[path];
            askDevices();
          })
          .fail((answer) => fail(errorOf(answer)));
      },
    };
  };

  RED.nightflowIndi = { boxes, elementLine };

  /** A dialog with several rows asks the same at once: one answer serves them all for a moment. */
  function ask(id, what, query, take, fail) {
    if (!id || id === '_ADD_') return;
    const path = `nightflow/indi/${encodeURIComponent(id)}/${what}?${$.param(query)}`;
    const request = asked[path] ?? $.getJSON(path);
    if (!asked[path]) setTimeout(() => delete asked[path], sharedMilliseconds);
    asked[path] = request;
    request.done(take).fail((answer) => fail(errorOf(answer)));
  }

  function errorOf({ responseJSON }) {
    const { message = '', remedy = '' } = responseJSON?.error ?? {};
    return [message, remedy].filter(Boolean).join(' ');
  }

  function listFor(box) {
    const id = `nightflow-indi-list-${++lists}`;
    box.attr({ list: id, autocomplete: 'off' });
    return $('<datalist>').attr('id', id).insertAfter(box);
  }

  function offer(list, entries) {
    list?.empty().append(entries.map(([value, label]) => $('<option>').val(value).text(label)));
  }

  function propertyLine({ label, group, permission }) {
    return [label, group, permission === 'ro' ? 'ro' : ''].filter(Boolean).join(' · ');
  }

  /** What an element is: its range and its value. */
  function elementLine({ label, value, minimum, maximum }) {
    const range = minimum === undefined ? '' : `${minimum} … ${maximum}`;
    const now = value === null ? '' : `= ${value === true ? 'On' : value === false ? 'Off' : value}`;
    return [label, range, now].filter(Boolean).join(' · ');
  }
})();
