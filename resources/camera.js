/** What the dialog of astro-camera asks the cameras on this computer: which there are, and what they can be set to. As RED.nightflowCameras. */
(() => {
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

  RED.nightflowCameras = {
    // Fills the lists of a backend's boxes. A camera that is off now may be on tonight: all can be typed as well.
    fill(node, backend) {
      const prefix = `#astro-camera-${backend}`;
      const answer = $(`${prefix}-answer`);
      const refused = (reply) => {
        const error = reply.responseJSON?.error;
        if (error) answer.text(`${error.message} ${error.remedy ?? ''}`);
      };
      const found = (list) => {
        $(`${prefix}-cameras`)
          .empty()
          .append(
            rows(
              list,
              ({ id }) => id,
              ({ name }) => name,
            ),
          );
        answer.text(node._('astro-camera.hint.cameras', { count: list.length }));
        if (list.length === 0) return;
        const asked = { backend };
        $(`[data-backend="${backend}"] :input[id^="node-config-input-"]`).each(function () {
          asked[this.id.slice('node-config-input-'.length)] = this.type === 'checkbox' ? this.checked : $(this).val();
        });
        $.getJSON('nightflow/camera-settings', asked).done(show[backend]).fail(refused);
      };
      $.getJSON('nightflow/cameras', { backend }).done(found).fail(refused);
    },
  };
})();
