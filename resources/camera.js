/**
 * What the dialogs ask the cameras, as RED.nightflowCameras: which there are on this computer, what they can be set to; and the rows
 * "setting = value" of astro-camera-settings and of a camera's profiles.
 */
(() => {
  const SOURCES = ['msg', 'flow', 'global', 'env', 'jsonata'];
  let lists = 0;
  let asking = null;

  const rows = (list, idOf, textOf = () => '') => list.map((each) => $('<option>').val(idOf(each)).text(textOf(each)));

  const show = {
    rpicam(settings) {
      const modes = settings.find(({ name }) => name === 'mode')?.choices ?? [];
      $('#astro-camera-rpicam-modes')
        .empty()
        .append(rows(modes, (mode) => mode));
    },
    // The body's settings as lines that can be copied into the box.
    gphoto2(settings) {
      const lines = settings
        .filter(({ readOnly }) => !readOnly)
        .map(({ name, type, choices, minimum, maximum }) => {
          const range = choices ? choices.join(' | ') : type === 'number' ? `${minimum} … ${maximum}` : type;
          return `${name} = ${range}`;
        });
      $('#astro-camera-gphoto2-offered')
        .text(lines.join('\n'))
        .toggle(lines.length > 0);
    },
  };

  // The box of a value, in the type of its setting. A stored choice that the camera does not offer now stays.
  function typeOf({ type, choices } = {}, value) {
    if (type === 'number') return 'num';
    if (type === 'boolean') return 'bool';
    if (!choices) return 'str';
    const all = value === '' || choices.includes(value) ? choices : [value, ...choices];
    const options = all.map((choice) => ({ value: choice, label: choice }));
    return { value: 'choice', label: '', icon: 'fa fa-list-ul', showLabel: false, options };
  }

  function rangeOf({ minimum, maximum, unit } = {}) {
    const limits = minimum === undefined && maximum === undefined ? '' : `${minimum ?? ''} … ${maximum ?? ''}`;
    return [limits, unit].filter(Boolean).join(' ');
  }

  // One row: the setting's name, its value, its range, and the button that takes it away.
  function settingRow(box, each, { node, list, offered, sources }) {
    const words = (key) => node._(`${node.type}.row.${key}`);
    const row = $('<div class="nightflow-setting">')
      .css({ display: 'flex', alignItems: 'center', gap: '6px', marginBottom: '4px' })
      .appendTo(box);
    const name = $('<input type="text" data-field="name" autocomplete="off">').attr({
      list,
      placeholder: words('setting'),
      'aria-label': words('setting'),
    });
    name
      .css({ flex: '0 0 32%', width: '32%', minWidth: 0, margin: 0 })
      .val(each.name ?? '')
      .appendTo(row);
    const holder = $('<div data-field="value">').css({ flex: '1 1 0', width: 0, minWidth: 0 }).appendTo(row);
    const value = $('<input type="text">').attr('aria-label', words('value')).appendTo(holder);
    const range = $('<span>')
      .css({
        flex: '0 0 92px',
        overflow: 'hidden',
        textOverflow: 'ellipsis',
        whiteSpace: 'nowrap',
        fontSize: '11px',
        opacity: 0.75,
      })
      .appendTo(row);
    $('<button type="button" class="red-ui-button red-ui-button-small"><i class="fa fa-remove"></i></button>')
      .attr('aria-label', words('remove'))
      .on('click', () => row.remove())
      .appendTo(row);
    value.typedInput({ default: 'str', types: ['str', ...sources] });
    value.typedInput('width', '100%');
    value.typedInput('type', sources.includes(each.valueType) ? each.valueType : 'str');
    value.typedInput('value', String(each.value ?? ''));
    const retype = () => {
      const found = offered().find((setting) => setting.name === name.val());
      const [type, held] = [value.typedInput('type'), value.typedInput('value')];
      const own = typeOf(found, held);
      value.typedInput('types', [own, ...sources]);
      value.typedInput('type', sources.includes(type) ? type : (own.value ?? own));
      // A setting that was just named begins with what the camera has.
      const fresh = held === '' && !sources.includes(type) && found && found.value !== null;
      value.typedInput('value', fresh ? String(found.value ?? '') : held);
      // The widget measures itself before the dialog has its width.
      holder.find('.red-ui-typedInput-container').css({ width: '100%' });
      range.text(rangeOf(found)).attr('title', rangeOf(found));
      row.attr('title', found?.label ?? '');
    };
    name.on('change', retype);
    row.data({
      retype,
      read: () => ({ name: name.val().trim(), value: value.typedInput('value'), valueType: value.typedInput('type') }),
    });
    retype();
  }

  // Rows in a box, with a button for one more: what they hold, what the camera offers them, and more of them.
  function settingRows(box, node, given, { offered, sources = [] }) {
    lists++;
    const list = `nightflow-settings-${lists}`;
    const names = $('<datalist>').attr('id', list).appendTo(box);
    const rowsBox = $('<div>').appendTo(box);
    const add = (each) => settingRow(rowsBox, each, { node, list, offered, sources });
    for (const each of given) add(each);
    $('<button type="button" class="red-ui-button red-ui-button-small"><i class="fa fa-plus"></i> </button>')
      .append(document.createTextNode(node._(`${node.type}.row.add`)))
      .on('click', () => add({}))
      .appendTo(box);
    const all = () =>
      rowsBox
        .children()
        .toArray()
        .map((row) => $(row));
    const offer = () => {
      const settable = offered().filter(({ readOnly }) => !readOnly);
      names.empty().append(
        rows(
          settable,
          ({ name }) => name,
          ({ label }) => label,
        ),
      );
      for (const row of all()) row.data('retype')();
    };
    offer();
    const read = () =>
      all()
        .map((row) => row.data('read')())
        .filter(({ name }) => name !== '');
    const fill = (settings) => {
      rowsBox.empty();
      for (const each of settings) add(each);
    };
    return { offer, read, fill };
  }

  // What a deployed camera can be set to, with its values.
  const ask = (id) => $.getJSON(`nightflow/cameras/${encodeURIComponent(id)}/settings`);

  RED.nightflowCameras = {
    // The rows of a node's dialog. They are there at once; names, ranges and choices come when the camera answers.
    settings(node, box, camera, told) {
      let offered = [];
      const own = settingRows($(box), node, node.settings ?? [], { offered: () => offered, sources: SOURCES });
      const asked = () => {
        const id = $(camera).val();
        if (!id || id === '_ADD_') return;
        ask(id)
          .done(({ settings }) => {
            offered = settings;
            own.offer();
            told({ count: settings.length });
          })
          .fail((reply) => told({ error: reply.responseJSON?.error }));
      };
      $(camera).on('change', asked);
      asked();
      return own;
    },

    // The profiles of a camera: a list of names, each with its rows, which can take over what the camera has now.
    profiles(node, box) {
      let offered = [];
      const list = $(box);
      const text = (key) => node._(`${node.type}.profile.${key}`);
      list.editableList({
        addButton: text('add'),
        removable: true,
        sortable: true,
        height: 'auto',
        addItem(item, _, each) {
          const head = $('<div>')
            .css({ display: 'flex', alignItems: 'center', gap: '6px', marginBottom: '6px' })
            .appendTo(item);
          const name = $('<input type="text" data-field="name">').attr({
            placeholder: text('name'),
            'aria-label': text('name'),
          });
          name
            .css({ flex: '1 1 auto', minWidth: 0, margin: 0 })
            .val(each.name ?? '')
            .appendTo(head);
          const own = settingRows($('<div>').appendTo(item), node, each.settings ?? [], { offered: () => offered });
          $('<button type="button" class="red-ui-button red-ui-button-small">')
            .text(text('take'))
            .on('click', () => take(own))
            .appendTo(head);
          item.data({
            own,
            read: () => ({
              name: name.val().trim(),
              settings: own.read().map((row) => ({ name: row.name, value: row.value })),
            }),
          });
        },
      });
      const answer = list.next('.nightflow-hint');
      const deployed = (done) =>
        ask(node.id)
          .done(({ settings }) => {
            offered = settings;
            done();
          })
          .fail((reply) => answer.text(reply.responseJSON?.error?.message ?? ''));
      const items = () =>
        list
          .editableList('items')
          .toArray()
          .map((item) => $(item));
      const take = (own) =>
        deployed(() => own.fill(offered.filter(({ readOnly, value }) => !readOnly && value !== null)));
      for (const each of node.profiles ?? []) list.editableList('addItem', each);
      deployed(() => {
        for (const item of items()) item.data('own').offer();
      });
      return () =>
        items()
          .map((item) => item.data('read')())
          .filter(({ name, settings }) => name !== '' || settings.length > 0);
    },

    // The names of a camera's profiles, for the box of a node that may apply one.
    offerProfiles(camera, names) {
      const offer = () => {
        const profiles = RED.nodes.node($(camera).val())?.profiles ?? [];
        $(names)
          .empty()
          .append(rows(profiles, ({ name }) => name));
      };
      $(camera).on('change', offer);
      offer();
    },

    // Fills the lists of a backend's boxes. A camera that is off now may be on tonight: all can be typed as well.
    fill(node, backend) {
      const prefix = `#astro-camera-${backend}`;
      const answer = $(`${prefix}-answer`);
      const over = () => {
        if (asking === question) asking = null;
      };
      const current = (then) => (reply) => asking === question && then(reply);
      const refused = current((reply) => {
        over();
        const error = reply.responseJSON?.error;
        if (error) answer.text(`${error.message} ${error.remedy ?? ''}`);
      });
      const asked = { backend };
      $(`[data-backend="${backend}"] :input[id^="node-config-input-"]`).each(function () {
        asked[this.id.slice('node-config-input-'.length)] = this.type === 'checkbox' ? this.checked : $(this).val();
      });
      // The dialog's boxes tell of changes as it opens; a body on USB takes one session at a time.
      const question = JSON.stringify(asked);
      if (asking === question) return;
      asking = question;
      const settings = (done) =>
        $.getJSON('nightflow/camera-settings', asked)
          .done(
            current((list) => {
              over();
              done(list);
            }),
          )
          .fail(refused);
      const found = current((list) => {
        $(`${prefix}-cameras`)
          .empty()
          .append(
            rows(
              list,
              ({ id }) => id,
              ({ name }) => name,
            ),
          );
        const hint = list.length === 0 ? `none.${backend}` : 'cameras';
        answer.text(node._(`astro-camera.hint.${hint}`, { count: list.length }));
        if (list.length > 0) settings(show[backend]);
        else over();
      });
      answer.text(node._('astro-camera.hint.looking'));
      // The list comes from the installed programs; where the box names others, the camera itself is asked through them.
      if (String(asked.gphoto2Program ?? asked.rpicamFolder ?? '').trim() === '')
        $.getJSON('nightflow/cameras', { backend }).done(found).fail(refused);
      else
        settings((list) => {
          show[backend](list);
          answer.text(node._('astro-camera.hint.answers', { count: list.length }));
        });
    },
  };
})();
